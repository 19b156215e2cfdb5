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
        logits=logits.astype(np.float32),
        reference=TRAINED,
        labels=LABELS,
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

    assert is_batch_invariant(alone, images)
    assert not is_batch_invariant(centred, images)


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
