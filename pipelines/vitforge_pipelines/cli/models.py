"""`vitforge serve` and `predict`: a registered version answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from vitforge.serving.answer import Answer

NameArgument = Annotated[str, typer.Argument(help="Registered model.")]
VersionArgument = Annotated[
    str, typer.Argument(help="Version, or an alias such as champion or challenger.")
]
VariantOption = Annotated[str, typer.Option(help="auto, fp32 or int8; auto is the fastest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


def serve(
    name: Annotated[str, typer.Argument(help="Registered model, or a bundle's folder.")],
    version: VersionArgument = "champion",
    variant: VariantOption = "auto",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
) -> None:
    """Serve a version in the foreground, until Ctrl-C.

    Example:

        vitforge serve digits challenger --port 8081
    """
    from vitforge.serving.run import serve_bundle

    try:
        bundle, told_name, number = _bundle(name, version)
        serve_bundle(
            bundle,
            variant=_variant(variant),
            name=told_name,
            version=number,
            host=host,
            port=port,
        )
    except VitforgeError as error:
        stop(error)


def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    model: Annotated[str, typer.Option(help="Registered model, or a bundle's folder.")],
    version: Annotated[str, typer.Option(help="Version or alias.")] = "champion",
    variant: VariantOption = "auto",
    json_: Annotated[bool, typer.Option("--json", help="A line of JSON an image.")] = False,
) -> None:
    """Predict image files with a registered version, without a server.

    Exit status 1 when an image could not be read; the others are predicted all the same.

    Example:

        vitforge predict seven.png --model digits --version challenger
    """
    from vitforge.serving.predictor import Predictor

    try:
        bundle, told_name, number = _bundle(model, version)
        predictor = Predictor(bundle, _variant(variant), name=told_name, version=number)
    except VitforgeError as error:
        stop(error)
    failed = False
    for image in images:
        try:
            answer = predictor.predict(_bytes(image))
        except VitforgeError as error:
            failed = True
            if json_:
                print_json({"image": str(image), "error": error.cause})
            else:
                people.print(f"[red]{image}: {error.cause}[/]", soft_wrap=True)
            continue
        if json_:
            print_json({"image": str(image), **answer})
        else:
            typer.echo(f"{image}\t{_line(answer)}")
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _line(answer: Answer) -> str:
    """An answer for people: its fields between tabs."""
    if answer["task"] == "regression":
        return f"{answer['value']:g}"
    if answer["task"] == "multi_label":
        shares = {row["label"]: row["probability"] for row in answer["probabilities"]}
        called = ", ".join(f"{label} {shares[label]:.4f}" for label in answer["labels"])
        return called or "no label"
    line = f"{answer['label']}\t{answer['probability']:.4f}"
    if answer["task"] == "ordinal":
        line += f"\texpected rank {answer['expected_rank']:.2f}"
    return line


def connect() -> str:
    """Name the tracking server to the registry: the environment's, or the embedded one."""
    import os

    from vitforge.tracking.server import ensure_server
    from vitforge_pipelines.runners.home import home

    uri = os.environ.get("MLFLOW_TRACKING_URI") or ensure_server(home()).uri
    os.environ["MLFLOW_TRACKING_URI"] = uri
    return uri


def find_number(name: str, version: str) -> str:
    """The number behind a version or an alias."""
    from vitforge import registry

    if version.isdigit():
        return version
    number = registry.alias_version(name, version)
    if number is None:
        known = ", ".join(info.version for info in registry.versions(name)[:5])
        raise VitforgeError(
            f"{name} has no alias {version}", mend=f"name a version: {known or 'there is none yet'}"
        )
    return number


def _bundle(name: str, version: str) -> tuple[Path, str, str]:
    """A bundle's folder, with the name and version to tell."""
    from vitforge.artifacts import PARITY_FILE

    folder = Path(name)
    if folder.is_dir():
        if not (folder / PARITY_FILE).exists():
            raise VitforgeError(
                "the folder is no bundle", where=str(folder), mend="name a registered model"
            )
        return folder, folder.absolute().name, ""
    from vitforge.deployment.local import fetch_bundle

    connect()
    number = find_number(name, version)
    return fetch_bundle(name, number), name, number


def _variant(text: str) -> Any:
    if text not in ("auto", "fp32", "int8"):
        raise ConfigError(f"there is no variant {text}", mend="auto, fp32 or int8")
    return text


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VitforgeError(error.strerror or "cannot be read", where=str(path)) from None
