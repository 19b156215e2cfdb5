"""Losses and scores against torchvision, timm, scikit-learn, and by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitforge.config import FinetuningConfig
from vitforge.errors import ConfigError
from vitforge.tasks import probabilities
from vitforge.training.loss import asymmetric_sum, masked_bce_sum, soft_cross_entropy_sum
from vitforge.training.objectives import choose_objective
from vitforge.training.objectives.class_scores import (
    average_precision,
    balanced_accuracy,
    macro_f1,
    quadratic_kappa,
)
from vitforge.training.objectives.multi_label import MultiLabel
from vitforge.training.objectives.ordinal import Ordinal
from vitforge.training.objectives.regression import Regression

NAN = float("nan")


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3


def test_class_weights_are_torchs() -> None:
    logits, soft = draw(6, 4), draw(6, 4, seed=1).softmax(1)
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    want = F.cross_entropy(logits, soft, weight=weights, reduction="sum")
    torch.testing.assert_close(soft_cross_entropy_sum(logits, soft, weights), want)


def test_unknown_labels_have_neither_loss_nor_gradient() -> None:
    logits = draw(2, 3).requires_grad_()
    targets = torch.tensor([[1.0, NAN, 0.0], [NAN, NAN, 1.0]])
    loss = masked_bce_sum(logits, targets)
    known = targets.isfinite()
    want = F.binary_cross_entropy_with_logits(logits[known], targets[known], reduction="sum")
    torch.testing.assert_close(loss, want)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[~known].eq(0).all() and gradient[known].ne(0).all()
    assert MultiLabel().weight(targets) == 3


def test_asymmetric_loss_is_timms() -> None:
    from timm.loss import AsymmetricLossMultiLabel

    ours, theirs = draw(5, 7).requires_grad_(), draw(5, 7).requires_grad_()
    targets = (draw(5, 7, seed=2) > 1).float()
    got = asymmetric_sum(ours, targets)
    want = AsymmetricLossMultiLabel(gamma_neg=4, gamma_pos=0, reduction="sum")(theirs, targets)
    torch.testing.assert_close(got, want)
    mine, other = torch.autograd.grad(got, ours)[0], torch.autograd.grad(want, theirs)[0]
    torch.testing.assert_close(mine, other)
    # gamma 0 and no margin: plain binary cross entropy
    plain = asymmetric_sum(ours, targets, 0, 0, 0)
    torch.testing.assert_close(plain, masked_bce_sum(ours, targets))


def test_corn_by_hand() -> None:
    """Label 1 of 4: y > 0 is asked and true, y > 1 asked and false, y > 2 is not asked."""
    objective = Ordinal(4)
    targets = objective.targets(torch.tensor([1, 0, 3]))
    want = torch.tensor([[1, 0, NAN], [0, NAN, NAN], [1, 1, 1]])
    torch.testing.assert_close(targets, want, equal_nan=True)
    outputs = torch.tensor([[2.0, -1.0, 9.0]])
    by_hand = np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))
    assert objective.loss_sum(outputs, targets[:1]).item() == pytest.approx(by_hand)
    assert objective.weight(targets) == 6


def test_ordinal_answers_are_the_median_of_the_shared_probabilities() -> None:
    outputs, labels = draw(50, 3), torch.arange(50) % 4
    shares = probabilities("ordinal", outputs.numpy())
    median = (shares.cumsum(1) < 0.5).sum(1)
    metrics, correct = Ordinal(4).measure(outputs, labels)
    assert metrics["mae"] == pytest.approx(np.abs(median - labels.numpy()).mean())
    assert correct.numpy().tolist() == (median == labels.numpy()).tolist()


@pytest.mark.parametrize("kind", ["l1", "l2", "huber"])
def test_regression_answers_in_the_users_unit(kind: str) -> None:
    labels = torch.tensor([100.0, 140.0, 180.0])
    recipe = FinetuningConfig.model_validate({"regression_loss": kind})
    objective = choose_objective("regression", 0, labels, recipe)
    targets = objective.targets(labels)
    assert targets.mean().item() == pytest.approx(0, abs=1e-6)
    assert targets.std(unbiased=False).item() == pytest.approx(1)
    outputs = torch.tensor([[0.5], [3.0], [-1.0]])
    pairs = {
        "l1": F.l1_loss(outputs, targets),
        "l2": F.mse_loss(outputs, targets),
        "huber": F.huber_loss(outputs, targets),
    }
    assert objective.score(outputs, labels).loss == pytest.approx(pairs[kind].item())
    head = nn.Linear(4, 1)
    x = draw(5, 4)
    std = float(np.std([100, 140, 180]))
    want = head(x) * std + 140
    objective.finish(head)
    torch.testing.assert_close(head(x), want)


def test_regression_scores_are_scikit_learns() -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    labels, outputs = draw(30) * 5 + 2, draw(30, 1, seed=3)
    metrics, _ = Regression(2.0, 4.0).measure(outputs, labels)
    said = outputs[:, 0].numpy() * 4 + 2
    assert metrics["mae"] == pytest.approx(mean_absolute_error(labels, said), rel=1e-5)
    assert metrics["rmse"] == pytest.approx(root_mean_squared_error(labels, said), rel=1e-5)
    assert metrics["r2"] == pytest.approx(r2_score(labels, said), rel=1e-5)


def test_class_scores_are_scikit_learns() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(0)
    true, said = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    confusion = torch.from_numpy(metrics.confusion_matrix(true, said)).double()
    assert balanced_accuracy(confusion) == pytest.approx(
        metrics.balanced_accuracy_score(true, said)
    )
    assert macro_f1(confusion) == pytest.approx(metrics.f1_score(true, said, average="macro"))
    assert quadratic_kappa(confusion) == pytest.approx(
        metrics.cohen_kappa_score(true, said, weights="quadratic")
    )
    scores, positive = rng.integers(0, 20, 200) / 20, rng.random(200) < 0.3  # with ties
    got = average_precision(torch.from_numpy(scores), torch.from_numpy(positive))
    assert got == pytest.approx(metrics.average_precision_score(positive, scores))


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    recipe = FinetuningConfig(class_weights="balanced", label_smoothing=0.0)
    objective = choose_objective("single_label", 3, labels, recipe)
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    logits = draw(10, 3)
    want = F.cross_entropy(logits, labels, weight=torch.tensor(weights).float(), reduction="sum")
    torch.testing.assert_close(objective.loss_sum(logits, objective.targets(labels)), want)


def test_what_a_task_does_not_have_is_told() -> None:
    labels = torch.tensor([0, 1, 2])
    with pytest.raises(ConfigError, match="no metric 'map'") as told:
        choose_objective("ordinal", 3, labels, FinetuningConfig(best_by="map"))
    assert "quadratic_kappa" in told.value.mend
    with pytest.raises(ConfigError, match="class weights"):
        choose_objective("ordinal", 3, labels, FinetuningConfig(class_weights="balanced"))
