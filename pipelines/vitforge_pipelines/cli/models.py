"""`vitforge promote`, `serve` and `predict`: what is done with a registered version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode

NameArgument = Annotated[str, typer.Argument(help="Registered model.")]
VersionArgument = Annotated[
    str, typer.Argument(help="Version, or an alias such as champion or challenger.")
]
VariantOption = Annotated[str, typer.Option(help="auto, fp32 or int8; auto is the fastest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


def promote(
    name: NameArgument,
    version: VersionArgument = "challenger",
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve on; 0 takes a free one.")] = 8080,
    deploy: Annotated[bool, typer.Option(help="Take it live on this machine.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Although a gate refused it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
    json_: JsonOption = False,
) -> None:
    """Make a version the champion, and take it live on this machine.

    The version is rehearsed first; the server before it stays up until the new one answers.

    Examples:

        vitforge promote digits 3 --reason "better on sevens"

        vitforge promote digits            # the challenger
    """
    from vitforge import registry

    try:
        connect()
        number = _version(name, version)
        champion = registry.alias_version(name, "champion")
        if dry_run:
            told: dict[str, Any] = {"name": name, "champion": champion, "would_be": number}
            _say(told, f"champion of {name}: {champion or 'none'} → {number}", json_)
            return
        told = {"name": name, "version": number, "was": champion, "url": None}
        if deploy:
            told["url"] = _take_live(name, number, host, port, reason, force)
        else:
            registry.promote(name, number, reason, force=force, home=_home())
    except VitforgeError as error:
        stop(error)
    text = f"{name} version {number} is champion" + (f" (was {champion})" if champion else "")
    if told["url"]:
        text += f"\nlive at {told['url']}\ntry  curl --data-binary @image.png {told['url']}/predict"
    _say(told, text, json_)


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
            typer.echo(f"{image}\t{answer['label']}\t{answer['probability']:.4f}")
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def connect() -> str:
    """Name the tracking server to the registry: the environment's, or the embedded one."""
    import os

    from vitforge.tracking.server import ensure_server

    uri = os.environ.get("MLFLOW_TRACKING_URI") or ensure_server(_home()).uri
    os.environ["MLFLOW_TRACKING_URI"] = uri
    return uri


def _home() -> Path:
    from vitforge_pipelines.runners.home import home

    return home()


def _version(name: str, version: str) -> str:
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
    number = _version(name, version)
    return fetch_bundle(name, number), name, number


def _take_live(name: str, number: str, host: str, port: int, reason: str, force: bool) -> str:
    """Rehearse, move the alias, go live: a version that cannot serve never becomes champion."""
    from vitforge import registry
    from vitforge.config import DeploymentConfig, parse
    from vitforge.deployment.local import deployments_folder, fetch_bundle, go_live
    from vitforge.deployment.local import status as live_server
    from vitforge.deployment.rehearsal import rehearse
    from vitforge.serving.listener import listen

    config = parse(DeploymentConfig, {"host": host, "port": port}, "--host and --port")
    registry.check_promotable(name, number, force=force)
    live = live_server(name)
    if not (live and (live.host, live.port) == (host, port)):
        listen(host, port).close()  # a port of somebody else's is known before the alias moves
    bundle = fetch_bundle(name, number)
    log = deployments_folder(name) / "logs" / f"version-{number}.log"
    rehearsal = rehearse(bundle, name=name, version=number, config=config, log=log)
    registry.promote(name, number, reason, force=force, home=_home())
    return go_live(name, number, config, bundle=bundle, rehearsal=rehearsal).url


def _variant(text: str) -> Any:
    if text not in ("auto", "fp32", "int8"):
        raise ConfigError(f"there is no variant {text}", mend="auto, fp32 or int8")
    return text


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VitforgeError(error.strerror or "cannot be read", where=str(path)) from None


def _say(value: dict[str, Any], text: str, json_: bool) -> None:
    if json_:
        print_json(value)
    else:
        people.print(text, soft_wrap=True)
