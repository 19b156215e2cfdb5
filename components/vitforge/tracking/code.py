"""Which code a run ran."""

import hashlib
from pathlib import Path

import vitforge


def code_digest() -> str:
    """SHA-256 over the package's own source files, by name: in a container no git tells."""
    package = Path(vitforge.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
