"""A minimal case: a program that blocks its stop signals and waits for them in sigwait."""

import signal
import sys

STOP = {signal.SIGTERM, signal.SIGINT}

signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
sys.stdout.write("BOOT sidecar=sigwait-case version=0.1.0\nREADY\n")
sys.stdout.flush()
received = signal.sigwait(STOP)
sys.stdout.write(f"SHUTDOWN reason=signal signal={signal.Signals(received).name}\n")
