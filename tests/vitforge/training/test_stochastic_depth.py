"""The expectation is exact, the rate is exact, and dropped work is not done."""

import pytest
import torch
from torch import nn

from vitforge.training.stochastic_depth import stochastic_depth, survival_rates


class Residual(nn.Module):
    """y = x + w·x; counts the images that it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        return x + self.weight * x


def test_rates_by_hand() -> None:
    assert survival_rates(4, 0.2) == pytest.approx([0.95, 0.9, 0.85, 0.8])


def test_expectation_and_rate() -> None:
    torch.manual_seed(0)
    block = Residual().train()
    x = torch.ones(10, 3)
    total, runs = torch.zeros(10, 3), 4000
    with stochastic_depth([block], 0.33):
        for _ in range(runs):
            total += block(x).detach()
    # one draw has the deviation 2·sqrt(.33/.67) = 1.4; the mean of 4000 has .022
    torch.testing.assert_close(total / runs, torch.full((10, 3), 3.0), atol=0.11, rtol=0)
    assert sum(block.seen) / (10 * runs) == pytest.approx(0.67, abs=0.005)


def test_every_draw_keeps_the_batch_sum() -> None:
    # The scale is batch / kept, so for equal inputs the sum over the batch has no spread at all.
    block = Residual().train()
    with stochastic_depth([block], 0.5):
        for _ in range(20):
            assert block(torch.ones(8, 1)).sum().item() == pytest.approx(24)


def test_gradient_is_scaled_alike() -> None:
    block = Residual().train()
    with stochastic_depth([block], 0.5):
        block(torch.ones(8, 1)).sum().backward()
    assert block.weight.grad is not None and block.weight.grad.item() == pytest.approx(8)


def test_off_when_evaluating_and_after_the_context() -> None:
    block = Residual()
    names = list(block.state_dict())
    with stochastic_depth([block], 0.9):
        assert list(block.state_dict()) == names
        block.eval()
        assert torch.equal(block(torch.ones(8, 1)), torch.full((8, 1), 3.0))
        block.train()
    assert torch.equal(block(torch.ones(8, 1)), torch.full((8, 1), 3.0))


def test_frozen_blocks_always_run() -> None:
    block = Residual().train().requires_grad_(False)
    with stochastic_depth([block], 0.9):
        block(torch.ones(8, 1))
    assert block.seen == [8]
