"""Linear algebra, a random generator and a Fourier transform: every native part."""

import signal
import sys
import time

NAME = "library-numpy"
VERSION = "1.0.0"


def use() -> str:
    """Solve, draw, transform."""
    import numpy as np

    a = np.random.default_rng(1).normal(size=(50, 50))
    x = np.linalg.solve(a, a @ np.ones(50))
    assert np.allclose(x, 1)
    assert np.allclose(np.fft.ifft(np.fft.fft(x)), x)
    return f"numpy={np.__version__} norm={np.linalg.norm(x):.3f}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
