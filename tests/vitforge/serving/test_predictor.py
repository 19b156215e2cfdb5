import math

import numpy as np
import pytest

from vitforge.errors import VitforgeError
from vitforge.serving.predictor import Predictor


def test_answer_is_the_softmax_by_hand(make_bundle, coloured):
    predictor = Predictor(make_bundle(sharpness=2.0), name="colours", version="7")
    answer = predictor.predict(coloured((0, 255, 0)))
    green = math.exp(2) / (math.exp(2) + 2)
    assert answer["label"] == "green"
    assert answer["probability"] == pytest.approx(green, abs=1e-6)
    assert [row["label"] for row in answer["probabilities"]] == ["green", "red", "blue"]
    assert sum(row["probability"] for row in answer["probabilities"]) == pytest.approx(1.0)
    assert answer["model"] == {"name": "colours", "version": "7", "variant": "fp32"}


def test_a_path_and_its_bytes_give_the_same(make_bundle, coloured, tmp_path):
    predictor = Predictor(make_bundle())
    path = tmp_path / "blue.png"
    path.write_bytes(coloured((10, 20, 200)))
    assert predictor.predict(path) == predictor.predict(path.read_bytes())


def test_large_logits_do_not_overflow(make_bundle, coloured):
    answer = Predictor(make_bundle(sharpness=5000.0)).predict(coloured((255, 0, 0)))
    assert answer["probability"] == 1.0


def test_changed_weights_are_refused(make_bundle):
    bundle = make_bundle()
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[-20] ^= 1
    (bundle / "model.onnx").write_bytes(bytes(content))
    with pytest.raises(VitforgeError, match="not the file whose answers were checked"):
        Predictor(bundle)


def test_a_refused_variant_is_not_served(make_bundle):
    with pytest.raises(VitforgeError, match=r"int8 .* not to be served: top-1 falls by 0.3"):
        Predictor(make_bundle(), "int8")


def test_missing_pieces_are_named(make_bundle, tmp_path):
    bundle = make_bundle()
    with pytest.raises(VitforgeError, match="no such image"):
        Predictor(bundle).predict(tmp_path / "none.png")
    (bundle / "model.onnx").unlink()
    with pytest.raises(VitforgeError, match=r"model\.onnx is missing"):
        Predictor(bundle)


def test_damaged_images_never_raise_anything_else(make_bundle, coloured):
    """Cuts and flipped bytes: an answer, or one clear error."""
    predictor = Predictor(make_bundle())
    whole = coloured((1, 2, 3))
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole[: rng.integers(0, len(whole) + 1)])
        for at in rng.integers(0, max(len(damaged), 1), 3):
            if damaged:
                damaged[at] = rng.integers(256)
        try:
            predictor.predict(bytes(damaged))
        except VitforgeError:
            refused += 1
    assert refused > 100
