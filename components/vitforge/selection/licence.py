"""Whether a backbone's licence allows what its user means to do with it."""

from vitforge.config import Use

PERMISSIVE = frozenset(
    {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0"}
)
"""Licences that allow commercial use and ask for no more than a mention."""


def forbidden_use(licence: str, use: Use) -> str:
    """Why a licence stands against a use; empty where it does not.

    Only licences that are known to allow commercial use pass for it: terms of their own, such as
    DINOv3's, may allow it too, but under conditions that a person has to read.

    Args:
        licence: SPDX identifier in lower case; empty where it is not known, which is left to the
            person who named the backbone.
        use: As declared in the config.
    """
    if use == "research" or not licence or licence in PERMISSIVE:
        return ""
    if "-nc" in licence:
        return f"its licence {licence} forbids selection.use: commercial"
    return f"its licence {licence} has terms of its own on selection.use: commercial"
