"""A server and a client in one process, over the native core."""

import signal
import sys
import time

NAME = "library-grpcio"
VERSION = "1.0.0"


def use() -> str:
    """Call a generic method on a server of our own."""
    from concurrent import futures

    import grpc

    def answer(request: bytes, context: object) -> bytes:
        return request.upper()

    method = grpc.unary_unary_rpc_method_handler(answer)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Tea", {"Up": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        reply = channel.unary_unary("/Tea/Up")(b"tea", timeout=10)
    server.stop(None).wait()
    return f"grpcio={grpc.__version__} reply={reply.decode()}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
