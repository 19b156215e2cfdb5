"""Refusing, before anything reads them, requests that can only fail or fill the memory."""

import json
from typing import Any

MAX_BODY = 32 * 1024 * 1024
"""Largest request body, bytes."""
DRAINED = 8 * MAX_BODY
"""Bytes of a refused body that are read and dropped before the connection is closed."""


class RequestGuard:
    """ASGI middleware: 413 as soon as a body is known to be over the limit; 400 for a V2 length
    header that is no number, which KServe would answer with 500.

    Args:
        app: The application behind.
        limit: Largest body, bytes.
    """

    def __init__(self, app: Any, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; the body is counted before the application sees it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limit:
            await self._refuse_size(receive, send, more=True)
            return
        if not headers.get(b"inference-header-content-length", b"0").isdigit():
            await _refuse(send, 400, "Inference-Header-Content-Length is not a number")
            return
        messages, size, more = [], 0, True
        while more:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
            if size > self.limit:
                await self._refuse_size(receive, send, more)
                return

        async def replay() -> Any:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)

    async def _refuse_size(self, receive: Any, send: Any, more: bool) -> None:
        # most clients read an answer only once they have sent their body: let it pass, unkept
        left = DRAINED
        while more and left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            more = message.get("more_body", False)
        await _refuse(send, 413, f"the body is over {self.limit // 2**20} MiB")


async def _refuse(send: Any, status: int, cause: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": cause}).encode()})
