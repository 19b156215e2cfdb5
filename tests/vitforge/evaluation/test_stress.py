"""Models with one planted fault each: the matching alarm fires, and no other does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vitforge.artifacts import (
    TEST,
    BackboneSpec,
    DatasetInfo,
    MetricRow,
    ModelConfig,
    Preprocessing,
)
from vitforge.backbones import build
from vitforge.config import EvaluationConfig
from vitforge.config.stress import StressConfig
from vitforge.evaluation import adversarial, attention, edge_cases, efficiency, shift
from vitforge.evaluation.alarms import alarms
from vitforge.evaluation.evaluator import Context
from vitforge.evaluation.predict import predict
from vitforge.evaluation.stress import score, to_input
from vitforge.evaluation.trained import Trained
from vitforge.metrics.predictions import Predictions
from vitforge.preprocessing import to_array
from vitforge.training.threads import fitting_threads

SIDE = 16
HOW = Preprocessing(image_size=SIDE, mean=(0.0,) * 3, std=(1.0,) * 3, resize="squash")
STRESS = StressConfig(
    images=24, severities=(1,), attack_images=8, epsilons=(1.0,),
    attack_steps=3, latency_runs=20, leak_inferences=240,
)  # fmt: skip
CONFIG = EvaluationConfig(bootstrap=100, stress=STRESS)
SPEC = BackboneSpec(
    library="timm", name="vit_tiny_patch16_224", pretrained=False, label="",
    args={"img_size": SIDE, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 4},
)  # fmt: skip


class Sides(nn.Module):
    """A ViT, watched for its attention, whose answer is which half of the picture is brighter."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        torch.manual_seed(3)
        self.vit = build(SPEC, 2, SIDE)
        # Trained tokens differ; in a flat picture only their places can tell them apart.
        self.vit.model.pos_embed.data.normal_()
        self.fault = fault
        self.kept: list[torch.Tensor] = []
        for attention_module in self.attention_modules():
            # Heads point at tokens of their own, moderately sharply; or all at one token.
            attention_module.qkv.weight.data[:64] *= 40 if fault == "collapse" else 20
        if fault == "collapse":
            self._collapse()

    def _collapse(self) -> None:
        for module in self.attention_modules():
            width = module.qkv.weight.shape[1]
            module.qkv.weight.data[: 2 * width] = 0
            module.qkv.bias.data[: 2 * width] = 0
            # One feature decides every head's scores: queries constant, keys follow it.
            module.qkv.bias.data[:width] = 40.0
            module.qkv.weight.data[width : 2 * width, 0] = 3.0

    @property
    def head(self) -> nn.Module:
        return self.vit.head

    def attention_modules(self) -> list[nn.Module]:
        return self.vit.attention_modules()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.vit(images)
        if self.fault == "leak":
            self.kept.append(torch.zeros(12_500))
        difference = images[..., SIDE // 2 :].mean((1, 2, 3)) - images[..., : SIDE // 2].mean(
            (1, 2, 3)
        )
        if self.fault == "brittle":
            # Any unusual contrast between neighbours turns the answer over.
            steps = (images[..., 1:, :] - images[..., :-1, :]).abs().mean((1, 2, 3))
            difference = torch.where(steps > 0.006, -difference, difference)
        return 60 * torch.stack([-difference, difference], 1)


@pytest.fixture(autouse=True)
def one_thread():
    """As the step takes for so small a model."""
    with fitting_threads(1, 1, 1):
        yield


def _context(folder: Path, fault: str) -> Context:
    import datasets

    count = 24
    labels = np.arange(count) % 2
    pixels = np.full((count, SIDE, SIDE, 3), 70, np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[:, SIDE // 2 :] = 70 if label == 0 else 190
        image[:, : SIDE // 2] = 190 if label == 0 else 70
    content = {
        "image": [Image.fromarray(p) for p in pixels],
        "label": labels.tolist(),
        "id": [str(i) for i in range(count)],
    }
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "id": datasets.Value("string"),
        }
    )
    datasets.Dataset.from_dict(content, features=features).save_to_disk(str(folder / "test"))
    model = Sides(fault).eval()
    record = ModelConfig(backbone=SPEC, classes=("left", "right"), image_size=SIDE)
    trained = Trained(model, record, HOW, torch.device("cpu"))
    info = DatasetInfo.model_construct(task="single_label", classes=("left", "right"), slices=())
    found = predict(
        trained, folder, info, TEST, batch_size=count, progress=lambda *_: None, watch=True
    )
    return Context(found, info, CONFIG, 0, folder / "out", folder, trained)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [("", set()), ("brittle", {"adversarial"}), ("collapse", {"attention"}), ("leak", {"memory"})],
)
def test_a_planted_fault_raises_its_alarm_and_no_other(fault, wanted, tmp_path, monkeypatch):
    context = _context(tmp_path, fault)
    # Harmless to a model that compares two halves.
    kept = ("gaussian_noise", "brightness", "jpeg_compression", "contrast", "pixelate")
    monkeypatch.setattr(shift, "CORRUPTIONS", {k: shift.CORRUPTIONS[k] for k in kept})
    monkeypatch.setattr(shift, "ALEXNET_ERROR", {k: shift.ALEXNET_ERROR[k] for k in kept})
    rows = [
        row
        for evaluator in (attention, shift, adversarial, edge_cases, efficiency)
        for row in evaluator.rows(context)
    ]
    raised = alarms(rows, STRESS)
    found = {alarm.kind for alarm in raised}
    if fault == "brittle":
        # What random noise turns over, corruptions by noise do too: it is one fault.
        found.discard("shift")
    assert found == wanted, [(a.row.name, a.row.slice, a.row.value, a.row.low) for a in raised]
    assert all(row.low is not None or "no interval" in row.note or row.n for row in rows)
    assert all(row.note for row in rows)


def test_relative_drop_is_one_minus_the_ratio(tmp_path):
    context = _context(tmp_path, "")
    clean = np.ones(20, np.float32)
    worse = np.r_[np.zeros(5), np.ones(15)].astype(np.float32)
    row = shift.drop_rows("shift_drop", clean, {"fog": worse}, context, "")[0]
    assert row.value == pytest.approx(0.25) and row.low < 0.25 < row.high
    assert shift.mark(row, 0.1).note.startswith("over")
    assert shift.mark(row, 0.3).note == row.note


def test_mce_of_alexnet_is_one_and_is_told_of_all_severities_only(tmp_path):
    few = _context(tmp_path, "")
    every = STRESS.model_copy(update={"severities": (1, 2, 3, 4, 5)})
    context = replace(few, config=CONFIG.model_copy(update={"stress": every}))
    right = 1 - np.tile(np.array(list(shift.ALEXNET_ERROR.values()), np.float32), (4, 1))
    rows = {row.name: row.value for row in shift.error_rows(right, context, "")}
    assert rows["mce"] == pytest.approx(1)
    assert rows["corruption_error"] == pytest.approx(np.mean(list(shift.ALEXNET_ERROR.values())))
    assert [row.name for row in shift.error_rows(right, few, "")] == ["corruption_error"]


def test_a_dramatic_change_is_another_class_or_half_the_probability():
    before = np.array([[0.9, 0.1], [0.99, 0.01], [0.6, 0.4]])
    after = np.array([[0.6, 0.4], [0.48, 0.52], [0.59, 0.41]])
    assert adversarial.dramatic(before, after).tolist() == [False, True, False]
    three = np.array([[0.95, 0.03, 0.02]])
    assert adversarial.dramatic(three, np.array([[0.4, 0.3, 0.3]])).all()


def test_latency_quantiles_lie_between_order_statistics():
    seconds = np.random.default_rng(0).permutation(np.arange(1, 1001)) / 1000
    rows = {row.name: row for row in efficiency.latency_rows(seconds, "", 0.95, "")}
    median = rows["latency_p50_ms"]
    # Conover: ranks n/2 ± 1.96 √n/2, 469 and 531 of 1000.
    assert (median.low, median.high) == pytest.approx((469, 532), abs=1)
    assert median.value == pytest.approx(500.5)


def test_one_step_of_memory_is_no_leak():
    reading = iter(np.r_[np.full(20, 1e6), np.full(100, 9e6)])
    row = efficiency.leak_rows(lambda: None, 60, 1024, 0.95, lambda: next(reading))[0]
    assert row.low <= 1024


def test_stressed_pixels_enter_the_model_as_images_do():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))
    how = HOW.model_copy(update={"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.1)})
    found = to_input(np.asarray(image)[None], how)[0]
    np.testing.assert_allclose(found, to_array(image, how), atol=1e-6)


def test_multi_label_scores_leave_unknown_labels_out():
    outputs = np.array([[2.0, -2.0, 2.0]], np.float32)
    assert score("multi_label", outputs, np.array([[1.0, 1.0, np.nan]])) == pytest.approx(0.5)


def test_slices_of_place_are_compared_and_of_people_are_not(tmp_path):
    context = _context(tmp_path, "")
    wrong = context.found.logits.copy()
    wrong[:6] *= -1
    site = np.array(["north"] * 12 + ["south"] * 12)
    found = Predictions.of(
        context.found.ids, context.found.labels, wrong, slices={"site": site, "sex": site}
    )
    rows: list[MetricRow] = shift.slice_rows(
        Context(found, context.info, CONFIG, 0, tmp_path, tmp_path)
    )
    assert [row.slice for row in rows] == ["site=north", "site=south"]
    assert rows[0].value == pytest.approx(0.5) and rows[0].note.startswith("over the alarm")
