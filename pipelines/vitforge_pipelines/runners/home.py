"""Where state lives: one folder, `.vitforge/` unless `VITFORGE_HOME` says otherwise."""

import os
from pathlib import Path


def home() -> Path:
    """The state folder, absolute; not created by this call."""
    return Path(os.environ.get("VITFORGE_HOME") or ".vitforge").absolute()
