"""MLflow's signed webhooks: a reason to look now. What is true is asked of the registry."""

import base64
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vitforge.errors import VitforgeError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

ID_HEADER = "X-MLflow-Delivery-Id"
TIME_HEADER = "X-MLflow-Timestamp"
SIGNATURE_HEADER = "X-MLflow-Signature"
MAX_AGE_SECONDS = 300.0
REMEMBERED = 1024
MAX_BYTES = 64 * 1024


def sign(secret: str, delivery: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `{delivery}.{timestamp}.{body}`.

    Source: https://mlflow.org/docs/latest/ml/webhooks/
    """
    content = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Deliveries:
    """Tells a new, honest delivery from a forged, an old and a doubled one."""

    def __init__(self, secret: str, now: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._now = now
        self._seen: OrderedDict[str, None] = OrderedDict()

    def accept(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether this delivery is new.

        Raises:
            VitforgeError: if its signature is wrong, or it is older than five minutes.
        """
        delivery = headers.get(ID_HEADER, "")
        timestamp = headers.get(TIME_HEADER, "")
        expected = sign(self._secret, delivery, timestamp, body)
        if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE_HEADER, "").encode()):
            raise VitforgeError("the signature is wrong", where=SIGNATURE_HEADER)
        if not abs(self._now() - float(timestamp)) <= MAX_AGE_SECONDS:
            raise VitforgeError("the delivery is too old", where=TIME_HEADER)
        if delivery in self._seen:
            return False
        self._seen[delivery] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True


def webhook_app(deliveries: Deliveries, wake: Callable[[], None]) -> "Starlette":
    """An ASGI app with one route, `POST /`, that calls `wake` for each new delivery."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def receive(request: "Request") -> "Response":
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                return PlainTextResponse("too large", 413)
        try:
            fresh = deliveries.accept(request.headers, body)
        except (VitforgeError, ValueError) as error:
            return PlainTextResponse(str(error), 401)
        if fresh:
            wake()
        return PlainTextResponse("taken" if fresh else "known already")

    return Starlette(routes=[Route("/", receive, methods=["POST"])])
