"""One thread for what is small, and everything as before afterwards."""

from collections.abc import Iterator

import pytest
import torch

from vitforge.training.threads import fitting_threads


@pytest.fixture(autouse=True)
def two_threads(one_thread: None) -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("parameters", "tokens", "expected"), [(210_000, 17, 1), (5_700_000, 197, 2)]
)
def test_small_and_large(parameters: int, tokens: int, expected: int) -> None:
    with fitting_threads(parameters, tokens, 64):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 2


def test_restored_after_a_failure() -> None:
    with pytest.raises(RuntimeError), fitting_threads(1, 1, 1):
        raise RuntimeError
    assert torch.get_num_threads() == 2
