import numpy as np
import pytest

from vitforge.artifacts import MetricRow, VariantParity
from vitforge.config import ExportConfig
from vitforge.export.latency import measure_latency
from vitforge.export.parity import fastest_accepted, is_batch_invariant, judge_variant

LABELS = np.arange(100, dtype=np.int64) % 4
TRAINED = np.eye(4, dtype=np.float32)[LABELS] * 5


def judge(tmp_path, variant, logits, batch_invariant=True, **config):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    return judge_variant(
        variant,
        path,
        outputs=logits.astype(np.float32),
        reference=TRAINED,
        labels=LABELS,
        task="single_label",
        batch_invariant=batch_invariant,
        config=ExportConfig(**config),
    )


def wrong_at(count):
    logits = TRAINED.copy()
    logits[:count] = np.roll(logits[:count], 1, axis=1)
    return logits


def test_the_same_answers_are_accepted(tmp_path):
    judged = judge(tmp_path, "fp32", TRAINED)
    assert (judged.accepted, judged.flips, judged.max_error) == (True, 0, 0.0)
    assert judged.top1.value == 1.0


def test_a_planted_logit_error_is_caught(tmp_path):
    logits = TRAINED.copy()
    logits[57, 2] += 0.5
    judged = judge(tmp_path, "fp32", logits)
    assert judged.max_error == pytest.approx(0.5) and not judged.accepted


def test_nan_is_caught(tmp_path):
    logits = TRAINED.copy()
    logits[3, 1] = np.nan
    assert not judge(tmp_path, "fp32", logits).accepted
    assert "finite" in judge(tmp_path, "int8", logits).reason


@pytest.mark.parametrize(("wrong", "accepted"), [(1, True), (2, False)])
def test_int8_may_lose_one_point(tmp_path, wrong, accepted):
    judged = judge(tmp_path, "int8", wrong_at(wrong), int8_max_drop=0.01)
    assert judged.accepted is accepted
    assert judged.flips == wrong
    assert judged.top1.value == pytest.approx(1 - wrong / 100)


def test_dependence_on_the_batch_is_refused(tmp_path):
    assert "batch" in judge(tmp_path, "int8", TRAINED, batch_invariant=False).reason


def test_batch_dependence_is_seen():
    images = np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)

    def alone(batch):
        return batch.mean((2, 3))

    def centred(batch):  # as dynamic ranges do: an image's answer moves with its neighbours
        return alone(batch) - alone(batch).mean(0)

    for task in ("single_label", "multi_label", "ordinal", "regression"):
        assert is_batch_invariant(alone, images, task, 1e-3), task
        assert not is_batch_invariant(centred, images, task, 1e-3), task


def judge_task(tmp_path, task, reference, labels, outputs, variant="int8"):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    return judge_variant(
        variant,
        path,
        outputs=outputs.astype(np.float32),
        reference=reference.astype(np.float32),
        labels=labels,
        task=task,
        batch_invariant=True,
        config=ExportConfig(),
    )


def test_labels_are_judged_by_rank_and_counted_by_label(tmp_path):
    # a rare label: calling it never would cost one answer in 100 of accuracy, and its whole rank
    labels = np.zeros((100, 2), dtype=np.float32)
    labels[:2, 0], labels[:50, 1] = 1.0, 1.0
    trained = np.where(labels == 1, 3.0, -3.0)
    never = trained.copy()
    never[:, 0] = -3.0
    judged = judge_task(tmp_path, "multi_label", trained, labels, never)
    assert (judged.flips, judged.label_flips, judged.lost, judged.gained) == (2, (2, 0), 2, 0)
    assert (judged.reference_top1.value, judged.top1.value) == (1.0, 0.75)  # (0.5 + 1) / 2
    assert "AUROC falls by 0.2500" in judged.reason
    labels[0, 0] = np.nan  # unknown: the flip stays a flip, and is neither lost nor gained
    judged = judge_task(tmp_path, "multi_label", trained, labels, never)
    assert (judged.flips, judged.lost) == (2, 1)


def test_a_value_is_judged_in_the_targets_spread(tmp_path):
    labels = np.arange(100, dtype=np.float32) * 100  # grams, say; standard deviation 2,886.6
    trained = labels[:, None] + 1.0
    near = judge_task(tmp_path, "regression", trained, labels, trained + 2.0, "fp32")
    assert near.accepted and near.max_error == pytest.approx(2 / 2886.607, rel=1e-4)
    far = judge_task(tmp_path, "regression", trained, labels, trained + 5.0, "fp32")
    assert "standard deviations" in far.reason and not far.accepted
    assert (far.flips, far.lost, far.top1.name) == (0, None, "r2")
    # R² is 1 - 300² / 2886.6² at an error of 300, 0.9892; a drop of 0.0108
    assert (
        "falls by 0.0108"
        in judge_task(tmp_path, "regression", trained - 1, labels, trained + 299).reason
    )
    constant = np.ones(100, dtype=np.float32)
    undefined = judge_task(tmp_path, "regression", trained, constant, trained)
    assert not undefined.accepted and "not defined" in undefined.reason


def test_an_ordinal_answer_is_the_median_and_not_the_mode(tmp_path):
    # P = (0.4, 0.3, 0.3): the mode is class 0, the median class 1
    outputs = np.array([[np.log(0.6 / 0.4), 0.0]])
    judged = judge_task(tmp_path, "ordinal", outputs, np.array([1]), outputs)
    assert judged.top1.value == 1.0 and judged.flips == 0


def parity(variant, accepted):
    row = MetricRow(name="top1", value=1.0, n=1)
    return VariantParity(
        variant=variant,
        file="",
        sha256="",
        bytes=0,
        top1=row,
        reference_top1=row,
        max_error=0.0,
        flips=0,
        accepted=accepted,
    )


@pytest.mark.parametrize(
    ("fp32_accepted", "int8_accepted", "int8_ms", "expected"),
    [
        (True, True, 5.0, "int8"),
        (True, True, 9.5, "fp32"),  # within the noise
        (True, True, 20.0, "fp32"),
        (True, False, 5.0, "fp32"),
        (False, True, 20.0, "int8"),
        (False, False, 5.0, ""),
    ],
)
def test_default_variant(fp32_accepted, int8_accepted, int8_ms, expected):
    parities = (parity("fp32", fp32_accepted), parity("int8", int8_accepted))
    assert fastest_accepted(parities, {"fp32": 10.0, "int8": int8_ms}) == expected


def test_latency_tells_slow_from_fast():
    import time

    def sleeps(seconds):
        def infer(images):
            time.sleep(seconds)
            return images

        return infer

    images = np.zeros((3, 3, 4, 4), dtype=np.float32)
    slow, fast = measure_latency({"torch": sleeps(0.02), "fp32": sleeps(0.002)}, images, runs=6)
    assert 20 <= slow.p50_ms < 40 and 2 <= fast.p50_ms < 15
    assert fast.images_per_second > slow.images_per_second
    assert slow.images_per_second <= 16 / 0.02
