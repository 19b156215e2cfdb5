"""Against the formula worked out by hand, and torch's own schedulers."""

import pytest
import torch

from vitforge.planning.schedule import learning_rate


def test_hand_computed() -> None:
    # 2 steps up, then a half cosine over 4 intervals: 1, .854, .5, .146, 0
    got = [learning_rate(s, 6, 2, 1.0, 0.0) for s in range(6)]
    assert got == pytest.approx([0.5, 1.0, 0.8535534, 0.5, 0.1464466, 0.0], abs=1e-6)


def test_ends() -> None:
    assert learning_rate(0, 100, 10, 1e-3, 1e-6) == pytest.approx(1e-4)
    assert learning_rate(9, 100, 10, 1e-3, 1e-6) == pytest.approx(1e-3)
    assert learning_rate(99, 100, 10, 1e-3, 1e-6) == pytest.approx(1e-6)


def test_torch_agrees() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=49, eta_min=0.01)
    for step in range(50):
        assert learning_rate(step, 50, 0, 0.1, 0.01) == pytest.approx(peer.get_last_lr()[0])
        optimizer.step()
        peer.step()


@pytest.mark.parametrize(("step", "warmup"), [(-1, 0), (6, 0), (0, 6), (0, -1)])
def test_out_of_range(step: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="must lie"):
        learning_rate(step, 6, warmup, 1.0)


def test_one_step() -> None:
    assert learning_rate(0, 1, 0, 1.0) == 1.0
