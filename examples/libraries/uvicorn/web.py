"""The application that uvicorn is told by name."""


async def app(scope, receive, send):
    """Answer every request with one word."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})
