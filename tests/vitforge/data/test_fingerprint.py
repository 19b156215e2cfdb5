import hashlib

import pytest

from vitforge.data.fingerprint import fingerprint

IMAGES = [("aa", "cat", "train"), ("bb", "dog", "train"), ("cc", "dog", "test")]


def test_it_is_sha256_of_the_sorted_images() -> None:
    lines = "aa\0cat\0train\0\0bb\0dog\0train\0\0cc\0dog\0test\0\0"
    assert fingerprint(reversed(IMAGES)) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        [("ab", "cat", "train"), *IMAGES[1:]],
        [("aa", "cot", "train"), *IMAGES[1:]],
        [("aa", "cat", "val"), *IMAGES[1:]],
        IMAGES[1:],
        [*IMAGES, IMAGES[0]],
    ],
    ids=["bytes", "label", "split", "fewer", "twice"],
)
def test_any_change_changes_it(changed: list[tuple[str, str, str]]) -> None:
    assert fingerprint(changed) != fingerprint(IMAGES)
