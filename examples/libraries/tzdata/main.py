"""Time zones from the package, for machines that have none (Windows, slim containers)."""

import signal
import sys
import time

NAME = "library-tzdata"
VERSION = "1.0.0"


def use() -> str:
    """Convert a time with the package's own data, not the system's."""
    import datetime
    import zoneinfo

    zoneinfo.reset_tzpath(())  # as on a machine without /usr/share/zoneinfo
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    hours = datetime.datetime(2026, 7, 1, tzinfo=zone).utcoffset()
    assert hours == datetime.timedelta(hours=2)
    return f"tzdata offset={hours} zones={len(zoneinfo.available_timezones())}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
