"""Any exception becomes one with a cause and a way out."""

import errno

import pytest

from vitforge.errors import VitforgeError, explain


def test_a_full_disk_is_told_as_such() -> None:
    told = explain(OSError(errno.ENOSPC, "No space left on device", "/data/x.arrow"))
    assert told.cause == "the disk is full"
    assert told.where == "/data/x.arrow"
    assert "VITFORGE_HOME" in told.mend


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), ValueError("odd")])
def test_every_exception_has_a_mend(error: BaseException) -> None:
    told = explain(error)
    assert told.cause and told.mend


def test_our_own_errors_stay_as_they_are() -> None:
    error = VitforgeError("a", where="b", mend="c")
    assert explain(error) is error
    assert str(error) == "a | at: b | mend: c"
