"""XPath, XSLT, objectify, and a validator that keeps its stylesheets as data files."""

import signal
import sys
import time

NAME = "library-lxml"
VERSION = "1.0.0"


def use() -> str:
    """Parse, query, and validate with Schematron."""
    from lxml import etree, isoschematron, objectify

    tree = etree.XML(b"<order><item price='2.5'>tea</item></order>")
    assert tree.xpath("sum(//item/@price)") == 2.5
    assert objectify.fromstring(b"<a><b>1</b></a>").b == 1
    rules = etree.XML(
        b"<schema xmlns='http://purl.oclc.org/dsdl/schematron'><pattern><rule context='order'>"
        b"<assert test='item'>an item</assert></rule></pattern></schema>"
    )
    assert isoschematron.Schematron(rules).validate(tree)
    return f"lxml={etree.__version__}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
