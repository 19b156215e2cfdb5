"""The words that people use for the splits."""

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.errors import VitforgeError

SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VAL,
    "valid": VAL,
    "validation": VAL,
    "validate": VAL,
    "dev": VAL,
    "test": TEST,
    "testing": TEST,
}


def split_name(word: str, where: str) -> str:
    """The split that a word means; empty for an empty word.

    Raises:
        VitforgeError: if it means none.
    """
    if not word:
        return ""
    if word.lower() not in SPLIT_NAMES:
        raise VitforgeError(
            f"{word!r} is no split",
            where=where,
            mend="write train, val or test, or name another column in data.split_column",
        )
    return SPLIT_NAMES[word.lower()]
