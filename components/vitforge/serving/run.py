"""Serving one bundle in this process: bind, prove, load, answer."""

import json
from pathlib import Path
from typing import Literal

from vitforge.artifacts import write_atomically
from vitforge.serving.listener import listen, url_of
from vitforge.serving.predictor import Predictor


def serve_bundle(
    bundle: Path,
    *,
    variant: Literal["auto", "fp32", "int8"] = "auto",
    name: str = "model",
    version: str = "",
    host: str = "127.0.0.1",
    port: int = 8080,
    threads: int = 1,
    announce: Path | None = None,
    share_port: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        bundle: Folder of the bundle.
        variant: ONNX file to serve; `auto` takes the fastest that passed parity.
        name: Registered model, told in answers and part of KServe's paths.
        version: Model version, told in answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        threads: Threads of one inference.
        announce: File that gets `{"url", "variant"}` once the model is loaded and the port bound.
        share_port: Listen beside an older server of ours on the same port.

    Raises:
        VitforgeError: if the port is in use, or the bundle is not to be served.
    """
    listener = listen(host, port, share=share_port)
    with listener:
        predictor = Predictor(bundle, variant, name=name, version=version, threads=threads)
        from vitforge.serving.server import serve  # after the checks: it takes seconds to import

        url = url_of(listener)

        def tell() -> None:
            served = predictor.model["variant"]
            print(f"serving {name} {version} ({served}) on {url}".replace("  ", " "), flush=True)
            if announce:
                content = json.dumps({"url": url, "variant": served}).encode()
                write_atomically(announce, content)

        serve(predictor, listener, tell)
