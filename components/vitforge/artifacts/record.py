"""The base of every JSON file in an artifact, and writing whole or not at all."""

import os
import tempfile
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vitforge.errors import VitforgeError

Record = TypeVar("Record", bound="ArtifactModel")


class ArtifactModel(BaseModel):
    """Base of every JSON file in an artifact."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_inf_nan="strings",  # as null an infinite error could not be read back
    )

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=2).encode() + b"\n")

    @classmethod
    def load(cls: type[Record], path: Path) -> Record:
        """Read and check.

        Raises:
            VitforgeError: if the file is missing or is not of this model.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise VitforgeError(
                f"{path.name} is missing from its artifact",
                where=str(path),
                mend="run the step that writes it again: vitforge run CONFIG --fresh",
            ) from None
        except ValidationError as error:
            raise VitforgeError(
                f"{path.name} is not a {cls.__name__} of this version: {error.errors()[0]['msg']}",
                where=str(path),
                mend="vitforge run CONFIG --fresh",
            ) from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises:
        OSError: if the disk refuses, with `path` as the file's name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        Path(temporary).unlink(missing_ok=True)
