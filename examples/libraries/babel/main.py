"""Locale data in hundreds of files."""

import signal
import sys
import time

NAME = "library-babel"
VERSION = "1.0.0"


def use() -> str:
    """Format a date and a price in two languages."""
    import datetime

    import babel
    from babel.dates import format_date
    from babel.numbers import format_currency

    day = format_date(datetime.date(2026, 7, 1), locale="de_DE")
    assert day == "01.07.2026", day
    assert format_currency(2.5, "EUR", locale="fr_FR").startswith("2,50")
    return f"babel={babel.__version__} day={day}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
