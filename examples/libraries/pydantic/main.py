"""A model with a nested list, validated, refused and serialised."""

import signal
import sys
import time

NAME = "library-pydantic"
VERSION = "1.0.0"


def use() -> str:
    """Validate, refuse, serialise."""
    import pydantic

    class Item(pydantic.BaseModel):
        name: str = pydantic.Field(min_length=1)
        price: float

    class Order(pydantic.BaseModel):
        items: list[Item]

    order = Order.model_validate_json('{"items": [{"name": "tea", "price": "2.5"}]}')
    try:
        Item(name="", price=1.0)
    except pydantic.ValidationError:
        pass
    else:
        raise AssertionError("an empty name passed")
    assert Order.model_json_schema()["properties"]
    return f"pydantic={pydantic.VERSION} total={order.items[0].price}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
