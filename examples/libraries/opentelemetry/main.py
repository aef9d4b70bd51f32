"""A context implementation that is looked up among the entry points of the distribution."""

import signal
import sys
import time

NAME = "library-opentelemetry"
VERSION = "1.0.0"


def use() -> str:
    """Record one span."""
    import importlib.metadata

    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with trace.get_tracer("tea").start_as_current_span("brew"):
        pass
    (span,) = exporter.get_finished_spans()
    return f"opentelemetry={importlib.metadata.version('opentelemetry-sdk')} span={span.name}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
