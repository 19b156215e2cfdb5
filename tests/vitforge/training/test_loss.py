"""Against torch's own cross entropy."""

import torch
from torch.nn import functional as F

from vitforge.training.loss import smooth_targets, soft_cross_entropy


def test_smoothing_by_hand() -> None:
    got = smooth_targets(torch.tensor([2, 0]), 4, 0.1)
    want = torch.tensor([[0.025, 0.025, 0.925, 0.025], [0.925, 0.025, 0.025, 0.025]])
    torch.testing.assert_close(got, want)


def test_torch_agrees() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(9, 5) * 4, torch.randint(5, (9,))
    got = soft_cross_entropy(logits, smooth_targets(labels, 5, 0.2))
    torch.testing.assert_close(got, F.cross_entropy(logits, labels, label_smoothing=0.2))


def test_half_precision_is_summed_in_full() -> None:
    logits = torch.tensor([[30.0, -30.0]], dtype=torch.bfloat16)
    assert soft_cross_entropy(logits, torch.tensor([[0.0, 1.0]])).dtype == torch.float32
