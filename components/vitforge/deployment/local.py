"""The live server of a registered model on this machine."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from vitforge import registry
from vitforge.artifacts import PROBE_FILE, ArtifactModel, Deployment
from vitforge.config import DeploymentConfig
from vitforge.deployment.client import ask, is_ready
from vitforge.deployment.process import POLL_SECONDS, ServerProcess
from vitforge.deployment.rehearsal import Rehearsal, check_answer, rehearse
from vitforge.errors import VitforgeError

STATE_FILE = "server.json"


class LiveServer(ArtifactModel):
    """`server.json`: the server that is up."""

    name: str
    version: str
    variant: Literal["fp32", "int8"]
    host: str
    port: int
    url: str
    pid: int
    process_started: float
    """Seconds since the epoch; tells this process from a later one with the same id."""
    started: str
    """UTC, ISO 8601."""
    log: str


def deployments_folder(name: str) -> Path:
    """Where a model's bundles, logs and state lie."""
    home = Path(os.environ.get("VITFORGE_HOME") or ".vitforge")
    return home.absolute() / "deployments" / name


def fetch_bundle(name: str, version: str) -> Path:
    """The version's bundle from the registry, with its hashes checked."""
    return registry.download_version(name, version, deployments_folder(name) / "versions" / version)


def go_live(
    name: str,
    version: str,
    config: DeploymentConfig,
    *,
    bundle: Path | None = None,
    rehearsal: Rehearsal | None = None,
) -> Deployment:
    """Make a version the one that answers; the one before is stopped once the new one answers.

    Args:
        name: Registered model.
        version: Its version.
        config: Address, variant, time allowed.
        bundle: Its bundle, if it was fetched already.
        rehearsal: What its rehearsal found; without one it is rehearsed first.

    Raises:
        VitforgeError: if the version cannot serve, or the port belongs to somebody else. The
            server that was live stays up then.
    """
    folder = deployments_folder(name)
    old = status(name)
    if old and (old.version, old.host) == (version, config.host) and config.port in (0, old.port):
        return _deployment(old, rehearsal, "already live")
    bundle = bundle or fetch_bundle(name, version)
    log = folder / "logs" / f"version-{version}.log"
    if rehearsal is None:
        rehearsal = rehearse(bundle, name=name, version=version, config=config, log=log)
    same_port = old is not None and (old.host, old.port) == (config.host, config.port)
    server = ServerProcess(
        bundle,
        name=name,
        version=version,
        variant=config.variant,
        host=config.host,
        port=config.port,
        log=log,
        share_port=same_port,
    )
    try:
        server.wait_ready(config.ready_seconds)
        _wait_for_version(server.url, version, bundle, config.ready_seconds)
        live = _describe(server, name, version, config.host)
        live.save(folder / STATE_FILE)
    except BaseException:
        server.stop()
        raise
    if old:
        _end(old)
    return _deployment(live, rehearsal, f"took over from version {old.version}" if old else "live")


def status(name: str) -> LiveServer | None:
    """The live server of a model, or None when there is none or it has died."""
    path = deployments_folder(name) / STATE_FILE
    if not path.exists():
        return None
    live = LiveServer.load(path)
    return live if _is_running(live) else None


def stop(name: str) -> LiveServer | None:
    """Stop a model's live server.

    Returns:
        The server that was stopped, or None when none was up.
    """
    live = status(name)
    if live:
        _end(live)
    (deployments_folder(name) / STATE_FILE).unlink(missing_ok=True)
    return live


def _wait_for_version(url: str, version: str, bundle: Path, seconds: float) -> None:
    """Until the new server answers the probe; on a shared port the old one answers too."""
    image = (bundle / PROBE_FILE).read_bytes()
    stop_at = time.monotonic() + seconds
    while time.monotonic() < stop_at:
        answer = ask(url, image)
        if answer["model"]["version"] == version:
            check_answer(answer, bundle, answer["model"]["variant"])
            return
        time.sleep(POLL_SECONDS)
    raise VitforgeError(f"version {version} does not answer on {url}", where=url)


def _describe(server: ServerProcess, name: str, version: str, host: str) -> LiveServer:
    import psutil

    return LiveServer.model_validate(
        {
            "name": name,
            "version": version,
            "variant": server.variant,
            "host": host,
            "port": int(server.url.rpartition(":")[2]),
            "url": server.url,
            "pid": server.pid,
            "process_started": psutil.Process(server.pid).create_time(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "log": str(server.log),
        }
    )


def _is_running(live: LiveServer) -> bool:
    import psutil

    try:
        process = psutil.Process(live.pid)
        same = abs(process.create_time() - live.process_started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE and is_ready(live.url)
    except psutil.Error:
        return False


def _end(live: LiveServer, seconds: float = 15.0) -> None:
    import psutil

    try:
        process = psutil.Process(live.pid)
        process.terminate()
        process.wait(seconds)
    except psutil.TimeoutExpired:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _deployment(live: LiveServer, rehearsal: Rehearsal | None, detail: str) -> Deployment:
    return Deployment(
        status="live",
        detail=detail,
        url=live.url,
        variant=live.variant,
        name=live.name,
        version=live.version,
        start_seconds=rehearsal.start_seconds if rehearsal else 0.0,
        answer_ms=rehearsal.answer_ms if rehearsal else 0.0,
    )
