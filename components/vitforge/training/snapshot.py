"""A training's whole state on disk, so that a killed one goes on where it was.

A snapshot is a folder `step-N`: `state.safetensors` holds every tensor, `snapshot.json` everything
else and the hash of the tensors. It appears whole or not at all, and is believed only where the
hash agrees.
"""

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import ConfigDict
from torch import Tensor

from vitforge.artifacts import ArtifactModel
from vitforge.errors import VitforgeError
from vitforge.folders import whole_folder

TENSORS_FILE = "state.safetensors"
SNAPSHOT_FILE = "snapshot.json"
KEPT = 2
"""The newest, and the one before, for the case that the newest is damaged."""

State = Mapping[Any, Any]
"""Nested dicts, lists and tuples of tensors and JSON values, as torch's `state_dict` gives them."""


class SnapshotRecord(ArtifactModel):
    """`snapshot.json`."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # a score may be NaN, and stays one

    step: int
    """Optimizer steps done."""
    sha256: str
    """Of `state.safetensors`."""
    values: Any
    """The state, a tensor's place taken by `{"$tensor": name}`."""


class SnapshotStore:
    """The snapshots of one training.

    Args:
        folder: Made with the first snapshot.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, state: State) -> Path:
        """Write a snapshot, then drop all but the newest `KEPT`.

        Args:
            step: Optimizer steps done.
            state: Whatever `load` shall give back; tensors are moved to the CPU.

        Returns:
            The snapshot's folder.
        """
        tensors: dict[str, Tensor] = {}
        values = _pack(state, "", tensors)
        place = self._place(step)
        with whole_folder(place) as folder:
            file = folder / TENSORS_FILE
            safetensors.torch.save_file(tensors, file)
            record = SnapshotRecord(step=step, sha256=_sha256(file), values=values)
            record.save(folder / SNAPSHOT_FILE)
        for old in self._found()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return place

    def load(self) -> tuple[int, dict[Any, Any], tuple[str, ...]] | None:
        """The newest snapshot that is whole.

        Returns:
            Its step, its state on the CPU, and a sentence for each newer one that is damaged;
            None where there is no snapshot.

        Raises:
            VitforgeError: if there are snapshots and all are damaged.
        """
        damaged: list[str] = []
        for folder in self._found():
            try:
                record, state = _read(folder)
            except VitforgeError as error:
                damaged.append(f"{folder.name} is damaged ({error.cause}); the one before is taken")
                continue
            return record.step, state, tuple(damaged)
        if damaged:
            raise VitforgeError(
                "every snapshot of this training is damaged",
                where=str(self.folder),
                mend="look after the disk, delete this folder, and train from the start",
            )
        return None

    def newest(self) -> Path | None:
        """Folder of the newest snapshot, unread; None where there is none."""
        return next(iter(self._found()), None)

    def clear(self) -> None:
        """Delete all: the training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}"

    def _found(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("step-*"), reverse=True)


def _read(folder: Path) -> tuple[SnapshotRecord, dict[Any, Any]]:
    record = SnapshotRecord.load(folder / SNAPSHOT_FILE)
    file = folder / TENSORS_FILE
    with suppress(OSError, safetensors.SafetensorError):
        if _sha256(file) == record.sha256:
            return record, _unpack(record.values, safetensors.torch.load_file(file))
    raise VitforgeError(f"{TENSORS_FILE} is not what was written", where=str(file))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _pack(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Replace tensors by their names, and what JSON would change by a marked dict."""
    if isinstance(node, Tensor):
        # A copy: what shares memory with another tensor safetensors refuses.
        tensors[name] = node.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"$tensor": name}
    if isinstance(node, Mapping):
        items = [(key, _pack(value, f"{name}.{key}", tensors)) for key, value in node.items()]
        named = all(isinstance(key, str) for key, _ in items)
        return dict(items) if named else {"$pairs": [list(item) for item in items]}
    if isinstance(node, list | tuple):
        packed = [_pack(value, f"{name}.{at}", tensors) for at, value in enumerate(node)]
        return {"$tuple": packed} if isinstance(node, tuple) else packed
    return node


def _unpack(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(node, list):
        return [_unpack(value, tensors) for value in node]
    if not isinstance(node, dict):
        return node
    if "$tensor" in node:
        return tensors[node["$tensor"]]
    if "$tuple" in node:
        return tuple(_unpack(value, tensors) for value in node["$tuple"])
    if "$pairs" in node:
        return {key: _unpack(value, tensors) for key, value in node["$pairs"]}
    return {key: _unpack(value, tensors) for key, value in node.items()}
