"""Encoders and decoders that load by name, and a font."""

import signal
import sys
import time

NAME = "library-pillow"
VERSION = "1.0.0"


def use() -> str:
    """Draw text, then write and read four formats."""
    import io

    import PIL
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (120, 40), "white")
    ImageDraw.Draw(picture).text((5, 5), "tea", fill="black", font=ImageFont.load_default(20))
    sizes = []
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        stream = io.BytesIO()
        picture.save(stream, kind)
        stream.seek(0)
        assert Image.open(stream).convert("RGB").size == (120, 40)
        sizes.append(str(stream.getbuffer().nbytes))
    return f"pillow={PIL.__version__} bytes={','.join(sizes)}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
