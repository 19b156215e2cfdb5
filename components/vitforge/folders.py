"""Writing an artifact's folder in one move."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` when the work inside is done, and vanishes when it fails.

    Raises:
        OSError: if the disk refuses, with a file's name or `out` as its file name.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.partial-"))
    try:
        yield partial
        partial.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    except OSError as error:
        # Arrow names no file; a person needs to know which disk it was.
        error.filename = error.filename or str(out)
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
