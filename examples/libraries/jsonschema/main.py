"""Meta-schemas that another distribution keeps as data files."""

import signal
import sys
import time

NAME = "library-jsonschema"
VERSION = "1.0.0"


def use() -> str:
    """Validate a document against a schema of the newest draft, with a format check."""
    import importlib.metadata

    import jsonschema

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "integer"}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(5, schema)
    try:
        jsonschema.validate("tea", schema)
    except jsonschema.ValidationError:
        pass
    else:
        raise AssertionError("a text passed as an integer")
    return f"jsonschema={importlib.metadata.version('jsonschema')}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
