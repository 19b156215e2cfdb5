"""What is filed for tasks other than one class an image."""

import numpy as np
import pytest

from vitforge import artifacts as art
from vitforge.config import RegistryConfig
from vitforge.registration.card import write_card
from vitforge.registration.pyfunc_model import _answers
from vitforge.registration.sources import Sources, gather
from vitforge.tasks import probabilities


@pytest.mark.parametrize("task", ["single_label", "multi_label", "ordinal"])
def test_the_filed_model_reads_outputs_as_the_package_does(task):
    outputs = np.random.default_rng(0).normal(0, 4, (50, 3)).astype(np.float32)
    answered = _answers(task, outputs)
    assert answered.dtype == np.float32
    np.testing.assert_allclose(answered, probabilities(task, outputs), atol=1e-6)


def test_a_filed_regression_answers_values():
    outputs = np.array([[41.5]], dtype=np.float32)
    assert _answers("regression", outputs).tolist() == [[41.5]]


def test_temperatures_are_filed_with_the_bundle(sources: Sources, tmp_path):
    gather(sources, tmp_path / "without")
    assert not (tmp_path / "without/bundle/calibration.json").exists()
    (sources.metrics / art.CALIBRATION_FILE).write_text("{}")
    gather(sources, tmp_path / "with")
    assert (tmp_path / "with/bundle/calibration.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("task", "classes", "score", "said", "unsaid"),
    [
        ("regression", (), "r2", ["one value", "R² 0.9000", "standard dev"], ["lass", "abel"]),
        ("multi_label", ("a", "b"), "auroc", ["2 labels", "Weakest label: b, auroc 0.7"], ["lass"]),
        ("ordinal", ("lo", "hi"), "top1", ["2 ordered classes", "lowest first: lo, hi"], ["abel"]),
    ],
)
def test_the_card_speaks_of_the_task(sources: Sources, task, classes, score, said, unsaid):
    info = art.DatasetInfo.load(sources.dataset / art.DATASET_FILE)
    parity = art.Parity.load(sources.bundle / art.PARITY_FILE)
    row = art.MetricRow(name=score, value=0.9, n=100)
    rows = [
        row.model_copy(update={"slice": c, "value": v})
        for c, v in zip("ab", (0.8, 0.7), strict=True)
    ]
    (fp32,) = parity.variants
    card = write_card(
        "m",
        RegistryConfig(),
        info=info.model_copy(update={"task": task, "classes": classes}),
        plan=art.Plan.load(sources.plan / art.PLAN_FILE),
        metrics=art.Metrics(
            rows=(row, *rows),
            confidence_level=0.95,
            confusion=(),
            classes=classes,
            dataset_fingerprint="",
        ),
        parity=parity.model_copy(
            update={"variants": (fp32.model_copy(update={"top1": row, "reference_top1": row}),)}
        ),
        verdict=art.Verdict.load(sources.verdict / art.VERDICT_FILE),
        run_id="r",
    )
    assert all(text in card for text in said), card
    assert not any(text in card for text in unsaid), card
