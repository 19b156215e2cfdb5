"""Whether a backbone's licence allows what its user means to do with it."""

from pathlib import Path

from vitforge.artifacts import BackboneSpec
from vitforge.config import Candidate, Use
from vitforge.selection.zoo import find_entry

PERMISSIVE = frozenset(
    {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0"}
)
"""Licences that allow commercial use and ask for no more than a mention."""


CARD = "README.md"


def licence_of(candidate: Candidate, spec: BackboneSpec) -> str:
    """The licence of a candidate's weights, by the first that says: its user, the zoo, its card.

    The card is the README.md of a local folder or of the hub's snapshot in the cache, whose front
    matter names a licence. Random weights have none, and need none.

    Returns:
        SPDX identifier in lower case; empty where nobody says.
    """
    if candidate.licence or not candidate.pretrained:
        return candidate.licence.lower()
    if entry := find_entry(candidate.backbone):
        return entry.licence
    folder = Path(spec.name)
    if not folder.is_dir():
        name = spec.name if spec.library == "transformers" else f"timm/{spec.name}"
        found = _cached_card(name)
        return read_card(found) if found else ""
    return read_card(folder / CARD)


def warn_unknown(name: str, licence: str, pretrained: bool, use: Use) -> tuple[str, ...]:
    """What to tell of a commercial use of weights whose licence nobody says, if anything.

    Args:
        name: What reports call the candidate.
        licence: From `licence_of`.
        pretrained: Whether there are weights at all.
        use: As declared in the config.
    """
    if use == "research" or licence or not pretrained:
        return ()
    return (
        f"the licence of {name} is not known, and the use is commercial: read its terms, and "
        "write `licence: apache-2.0`, or what it is, beside its backbone in selection.candidates",
    )


def read_card(file: Path) -> str:
    """The licence in a model card's front matter, lower case; empty where there is none."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        if not text.startswith("---"):
            return ""
        front = yaml.safe_load(text.split("---", 2)[1])
    except (OSError, UnicodeDecodeError, IndexError, yaml.YAMLError):
        return ""
    if not isinstance(front, dict):
        return ""
    named = front.get("license")
    # The hub writes `other` and then the licence's own name.
    if named == "other":
        named = front.get("license_name") or named
    return named.strip().lower() if isinstance(named, str) else ""


def _cached_card(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, CARD)
    except (HFValidationError, ValueError):
        return None
    return Path(found) if isinstance(found, str) else None


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
