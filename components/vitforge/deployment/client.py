"""Asking a running server over HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any

from vitforge.errors import VitforgeError

# the server is on this machine: a proxy from the environment has no part in it
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_ready(url: str, timeout: float = 2.0) -> bool:
    """Whether the server at `url` says that it is ready."""
    try:
        with _OPENER.open(f"{url}/v2/health/ready", timeout=timeout) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def ask(url: str, image: bytes, timeout: float = 30.0) -> dict[str, Any]:
    """Post an image and return the answer.

    Raises:
        VitforgeError: if the server cannot be reached or refuses the image.
    """
    request = urllib.request.Request(
        f"{url}/predict", data=image, headers={"Content-Type": "image/png"}
    )
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        told = error.read().decode(errors="replace")[:500]
        raise VitforgeError(f"the server answers {error.code}: {told}", where=url) from None
    except (OSError, ValueError) as error:
        raise VitforgeError(f"the server does not answer: {error}", where=url) from error
