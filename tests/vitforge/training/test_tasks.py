"""The loop learns every task, and the model it leaves answers in the user's terms."""

from typing import Any

import numpy as np
import pytest
import torch

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import FinetuningConfig
from vitforge.tasks import output_count, probabilities
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Fitted, Job
from vitforge.training.labels import label_tensor
from vitforge.training.normalise import normalise, to_unit

NAN = float("nan")
PAIRS = torch.tensor([[1.0, 0.0, NAN], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [NAN, 0.0, 1.0]])
"""The labels of the four colours; some unknown."""


def learn(
    task: Any, labels: torch.Tensor, images: ImageSet, how: Preprocessing,
    recipe: FinetuningConfig, spec: BackboneSpec, classes: int,
    epochs: int = 25,
) -> tuple[Fitted, np.ndarray]:  # fmt: skip
    torch.manual_seed(0)
    backbone = build(spec, output_count(task, classes))
    data = ImageSet(images.pixels_NCHW, labels, images.ids)
    changes = {"drop_path": 0.0, "frozen_blocks": 0, "label_smoothing": 0.0}
    job = Job(
        data, data, classes, how, recipe.model_copy(update=changes), "full", epochs, 0, task=task
    )
    fitted = fit(backbone, job)
    with torch.inference_mode():
        outputs = backbone(normalise(to_unit(images.pixels_NCHW), how))
    return fitted, outputs.numpy()


@pytest.mark.parametrize("kind", ["bce", "asymmetric"])
def test_multi_label(
    train: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
    kind: str,
) -> None:
    labels = PAIRS[train.labels_N]
    recipe = recipe.model_copy(update={"multi_label_loss": kind})
    fitted, outputs = learn("multi_label", labels, train, how, recipe, tiny_spec, 3)
    assert fitted.metric == "mean_average_precision" and fitted.best_value > 0.99
    said, known = probabilities("multi_label", outputs) > 0.5, labels.isfinite().numpy()
    assert (said == labels.numpy())[known].all()
    assert fitted.records[-1].val_top1 is None


def test_regression_in_its_own_unit(
    train: ImageSet, how: Preprocessing, recipe: FinetuningConfig, tiny_spec: BackboneSpec
) -> None:
    ages = torch.tensor([20.0, 40.0, 60.0, 80.0])[train.labels_N]
    fitted, outputs = learn("regression", ages, train, how, recipe, tiny_spec, 0)
    error = np.abs(outputs[:, 0] - ages.numpy()).mean()
    assert fitted.metric == "mae" and error < 4
    assert error == pytest.approx(fitted.best_value, rel=1e-3)
    assert fitted.best_value == min(r.val_metrics["mae"] for r in fitted.records)


def test_ordinal(
    train: ImageSet, how: Preprocessing, recipe: FinetuningConfig, tiny_spec: BackboneSpec
) -> None:
    fitted, outputs = learn("ordinal", train.labels_N, train, how, recipe, tiny_spec, 4)
    shares = probabilities("ordinal", outputs)
    assert fitted.metric == "mae" and (shares.argmax(1) == train.labels_N.numpy()).mean() > 0.95
    assert fitted.best_correct_N is not None and fitted.best_top1 > 0.95


def test_mixed_targets_of_every_task(
    train: ImageSet, how: Preprocessing, recipe: FinetuningConfig, tiny_spec: BackboneSpec
) -> None:
    """Mixup of unknown labels stays unknown: the loss is a number all along."""
    mixing = recipe.augmentation.model_copy(update={"mixup": 0.8, "cutmix": 1.0})
    recipe = recipe.model_copy(update={"augmentation": mixing})
    labels = {
        "multi_label": (PAIRS[train.labels_N], 3),
        "regression": (train.labels_N.float(), 0),
        "ordinal": (train.labels_N, 4),
    }
    for task, (values, classes) in labels.items():
        fitted, _ = learn(task, values, train, how, recipe, tiny_spec, classes, 6)
        losses = [record.train_loss for record in fitted.records]
        assert losses[-1] < losses[0]


def test_stored_labels() -> None:
    assert label_tensor([2, 0]).dtype == torch.int64
    several = label_tensor([[1.0, None], [0.5, 0.0]])
    assert several.dtype == torch.float32 and several.shape == (2, 2) and several[0, 1].isnan()
    assert label_tensor([1.5, 2.0]).dtype == torch.float32


def test_a_job_of_another_metric(
    train: ImageSet, how: Preprocessing, recipe: FinetuningConfig, tiny_spec: BackboneSpec
) -> None:
    recipe = recipe.model_copy(update={"best_by": "r2"})
    ages = torch.tensor([20.0, 40.0, 60.0, 80.0])[train.labels_N]
    fitted, _ = learn("regression", ages, train, how, recipe, tiny_spec, 0)
    assert fitted.metric == "r2" and 0.9 < fitted.best_value <= 1
