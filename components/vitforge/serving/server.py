"""The HTTP server: KServe's protocols and probes, and a plain `POST /predict`."""

import logging
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from kserve import ModelRepository
from kserve.errors import InvalidInput
from kserve.model_server import app
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

from vitforge.serving.classifier import ImageClassifier
from vitforge.serving.guard import RequestGuard
from vitforge.serving.predictor import Predictor

GRACE_SECONDS = 10


class _FixedModel(ModelRepositoryExtension):  # type: ignore[misc]
    """Takes KServe's load and unload calls away: a client must not unload what is served."""

    async def load(self, model_name: str) -> None:
        raise NotImplementedError("this server serves one model for as long as it runs")

    async def unload(self, model_name: str) -> None:
        raise NotImplementedError("this server serves one model for as long as it runs")


def serve(predictor: Predictor, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Args:
        predictor: Who answers.
        listener: A listening socket.
        announce: Called once the server is about to answer.
    """
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")  # KServe's default
    logging.getLogger("kserve").setLevel(logging.CRITICAL)  # it logs each bad input with a trace
    name = predictor.model["name"] or "model"
    classifier = ImageClassifier(name, predictor)
    repository = ModelRepository()
    repository.update(classifier)
    data_plane = DataPlane(model_registry=repository)
    _add_predict(app, classifier)
    app.add_middleware(RequestGuard)
    server = RESTServer(
        "kserve.model_server:app",
        data_plane,
        _FixedModel(repository),
        listener.getsockname()[1],
        grace_period=GRACE_SECONDS,
    )
    server.config.access_log = False
    # for a signal before uvicorn listens to them, and for its handing on of one after it closed
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    announce()
    server.run(sockets=[listener])


def _add_predict(application: FastAPI, classifier: ImageClassifier) -> None:
    async def predict(request: Request) -> Any:
        """Answer an image sent as the raw body, or as the file of a form."""
        return await classifier.classify(await _image_of(request))

    async def unreadable(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": f"the body is not text: {error}"}, status_code=400)

    application.add_api_route("/predict", predict, methods=["POST"], response_model=None)
    # KServe's V2 reads any body as text
    application.add_exception_handler(UnicodeDecodeError, unreadable)


async def _image_of(request: Request) -> bytes:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            for value in form.values():
                if not isinstance(value, str):
                    return await value.read()
        raise InvalidInput("the form holds no file")
    body = await request.body()
    if not body:
        raise InvalidInput("the body is empty; send an image file")
    return body
