"""`vitforge doctor`: what this machine has, what is missing, how to mend it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Annotated, Literal

import typer

from vitforge_pipelines.cli.console import people, print_json
from vitforge_pipelines.cli.exit_codes import ExitCode

PACKAGES = (
    "kfp",
    "mlflow",
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "peft",
    "datasets",
    "evaluate",
    "onnx",
    "onnxruntime",
    "kserve",
)
HUB = ("huggingface.co", 443)


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    state: Literal["ok", "note", "missing"]
    detail: str
    mend: str = ""


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Say what this machine has, what is missing, and how to mend it.

    Exit status: 0 when the demo can run here, 1 when something it needs is missing.
    """
    looked = (finding for look in _LOOKS for finding in look())
    findings = list(looked)
    ready = all(finding.state != "missing" for finding in findings)
    if json_:
        print_json({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        marks = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "missing": "[red]✗[/]"}
        for finding in findings:
            mend = f"\n  [dim]→ {finding.mend}[/]" if finding.mend else ""
            people.print(f"{marks[finding.state]} {finding.name:<16} {finding.detail}{mend}")
        people.print("\nready: vitforge run CONFIG" if ready else "\nnot ready: see ✗ above")
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    fits = sys.version_info[:2] == (3, 11)
    mend = "" if fits else "make clean install PYTHON=/path/to/python3.11"
    yield Finding("Python", "ok" if fits else "missing", version, mend)


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "missing", "not installed", "make install")
    spec = importlib.util.find_spec("mlflow")
    if spec is not None and spec.origin is None:
        yield Finding("mlflow import", "missing", "a folder called mlflow is taken for the package")


def _machine() -> Iterator[Finding]:
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    yield Finding("cores", "ok", str(cores))
    state: Literal["ok", "note"] = "ok" if free >= 4 else "note"
    mend = "" if state == "ok" else "close other programs: the demo wants about 4 GiB"
    yield Finding("memory", state, f"{free:.1f} of {memory.total / 2**30:.1f} GiB free", mend)


def _disk() -> Iterator[Finding]:
    from vitforge_pipelines.runners.home import home

    place = home()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    writable = os.access(place, os.W_OK)
    if not writable:
        yield Finding("state folder", "missing", f"{home()} cannot be written", "set VITFORGE_HOME")
    elif free < 2:
        yield Finding("disk", "missing", f"{free:.1f} GiB free at {place}", "free 2 GiB or more")
    else:
        yield Finding("disk", "ok", f"{free:.1f} GiB free at {place}")


def _gpu() -> Iterator[Finding]:
    if shutil.which("nvidia-smi") is None:
        yield Finding("GPU", "note", "none found: training runs on the CPU")
        return
    import torch

    if torch.cuda.is_available():
        yield Finding("GPU", "ok", torch.cuda.get_device_name(0))
    else:
        yield Finding(
            "GPU", "note", "a driver is here, but torch cannot use it", "update the NVIDIA driver"
        )


def _containers() -> Iterator[Finding]:
    if shutil.which("docker") is None:
        yield Finding("Docker", "note", "not installed: only needed for container images")
    else:
        yield Finding("Docker", "ok", "client installed")


def _hub() -> Iterator[Finding]:
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        yield Finding("model hub", "note", "switched off by HF_HUB_OFFLINE=1")
        return
    from urllib.parse import urlsplit

    mirror = urlsplit(os.environ.get("HF_ENDPOINT", ""))
    host = mirror.hostname or HUB[0]
    port = mirror.port or (80 if mirror.scheme == "http" else HUB[1])
    try:
        socket.create_connection((host, port), timeout=3).close()
        yield Finding("model hub", "ok", f"{host} answers")
    except OSError:
        yield Finding(
            "model hub",
            "note",
            f"{host} cannot be reached: pretrained weights must be local",
            "give `backbone` a local folder, or set HF_ENDPOINT to a mirror",
        )


def _tracking() -> Iterator[Finding]:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        yield Finding("MLflow server", "ok", "an embedded one is started when a run needs it")
        return
    from vitforge.tracking.client import is_reachable

    if is_reachable(uri):
        yield Finding("MLflow server", "ok", uri)
    else:
        yield Finding(
            "MLflow server",
            "missing",
            f"{uri} does not answer",
            "start it, or unset MLFLOW_TRACKING_URI to use the embedded one",
        )


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _machine,
    _disk,
    _gpu,
    _containers,
    _hub,
    _tracking,
)
