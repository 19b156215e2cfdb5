import errno
import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet
import pytest
import torch

from vitforge.artifacts import Latency, Parity, Preprocessing, ProbeAnswers
from vitforge.backbones.checkpoint import load_checkpoint
from vitforge.config import ExportConfig
from vitforge.export import export as module
from vitforge.export.export import export_bundle
from vitforge.preprocessing import decode_image, to_array
from vitforge.tracking import StepRun

CONFIG = ExportConfig(latency_runs=5)


def export(dataset, checkpoint, out, config=CONFIG):
    with StepRun("export_model", spool=out.parent / "spool") as run:
        export_bundle(dataset, checkpoint, seed=0, config=config, out=out, run=run)
    lines = (out.parent / "spool" / "export_model" / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def exported(tiny_dataset, tiny_checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "bundle"
    events = export(tiny_dataset, tiny_checkpoint, out)
    return out, events


def test_the_bundle_is_whole(exported):
    out, _ = exported
    assert sorted(path.name for path in out.iterdir()) == [
        "baseline.parquet",
        "labels.json",
        "latency.json",
        "model.int8.onnx",
        "model.onnx",
        "parity.json",
        "preprocessing.json",
        "probe.json",
        "probe.png",
    ]
    assert [path.name for path in out.parent.iterdir()] == ["bundle", "spool"]  # no leftovers


def test_onnx_answers_as_torch_at_any_batch(exported, tiny_checkpoint):
    out, _ = exported
    model, _, _ = load_checkpoint(tiny_checkpoint)
    session = onnxruntime.InferenceSession(str(out / "model.onnx"))
    for batch in (1, 3, 17):
        images = torch.randn(batch, 3, 16, 16, generator=torch.Generator().manual_seed(batch))
        expected = model(images).detach().numpy()
        answered = session.run(None, {"images": images.numpy()})[0]
        np.testing.assert_allclose(answered, expected, atol=1e-4)


def test_parity_is_recomputed_from_the_files(exported):
    out, events = exported
    parity = Parity.load(out / "parity.json")
    assert {variant.variant for variant in parity.variants} == {"fp32", "int8"}
    for variant in parity.variants:
        content = (out / variant.file).read_bytes()
        assert variant.sha256 == hashlib.sha256(content).hexdigest()
        assert variant.bytes == len(content)
        assert variant.top1.n == 45
        assert variant.top1.low < variant.top1.value < variant.top1.high
    fp32 = parity.variants[0]
    assert fp32.accepted and fp32.flips == 0 and fp32.max_error < 1e-4
    assert fp32.top1.value == fp32.reference_top1.value
    assert parity.batch_invariant
    headlines = {k: v for e in events if e["kind"] == "headline" for k, v in e["values"].items()}
    assert headlines["int8_top1"] == parity.variants[1].top1.value


def test_int8_is_int8_outside_attention_only(exported):
    out, _ = exported
    graph = onnx.load(str(out / "model.int8.onnx")).graph
    made_by = {name: node for node in graph.node for name in node.output}
    linear, attention = 0, 0
    for node in graph.node:
        if node.op_type in ("MatMul", "Gemm", "Conv"):
            quantized = [
                name in made_by and made_by[name].op_type == "DequantizeLinear"
                for name in node.input[:2]
            ]
            linear += all(quantized)
            attention += not any(quantized)
    assert linear == 2 * 4 + 1 + 1  # qkv, proj, fc1, fc2 in each of 2 blocks; patches; head
    assert attention == 2 * 2  # scores and mixing in each block
    assert not [node for node in graph.node if node.op_type == "DynamicQuantizeLinear"]


def test_metadata_lies_in_both_files(exported, tiny_checkpoint):
    out, _ = exported
    weights = hashlib.sha256((tiny_checkpoint / "model.safetensors").read_bytes()).hexdigest()
    for name in ("model.onnx", "model.int8.onnx"):
        told = {item.key: item.value for item in onnx.load(str(out / name)).metadata_props}
        assert json.loads(told["labels"]) == ["dark", "grey", "bright"]
        assert Preprocessing.model_validate_json(told["preprocessing"]).image_size == 16
        assert told["dataset_fingerprint"] == "f" * 64
        assert told["model_id"] == weights


def test_probe_holds_for_its_own_bytes(exported):
    out, _ = exported
    answers = ProbeAnswers.load(out / "probe.json")
    how = Preprocessing.load(out / "preprocessing.json")
    image = to_array(decode_image((out / "probe.png").read_bytes()), how)[None]
    session = onnxruntime.InferenceSession(str(out / "model.int8.onnx"))
    logits = torch.from_numpy(session.run(None, {"images": image})[0])
    expected = torch.softmax(logits, 1)[0].tolist()
    assert answers.probabilities["int8"] == pytest.approx(expected, abs=1e-6)
    assert answers.label in json.loads((out / "labels.json").read_text())


def test_baseline_has_a_row_an_image(exported):
    out, _ = exported
    baseline = pyarrow.parquet.read_table(out / "baseline.parquet").to_pydict()
    assert {name: len(values) for name, values in baseline.items()} == dict.fromkeys(
        ("confidence", "entropy", "predicted", "mean_pixel"), 45
    )
    assert all(1 / 3 <= value <= 1 for value in baseline["confidence"])
    assert all(0 <= value <= np.log(3) + 1e-9 for value in baseline["entropy"])
    by_class = np.reshape(baseline["mean_pixel"], (15, 3)).mean(0) * 255
    np.testing.assert_allclose(by_class, [63, 130, 194], atol=6)  # the data's means, clipped


def test_latency_names_machine_and_default(exported):
    out, _ = exported
    latency = Latency.load(out / "latency.json")
    assert [speed.variant for speed in latency.variants] == ["torch", "fp32", "int8"]
    assert all(0 < speed.p50_ms <= speed.p95_ms <= speed.p99_ms for speed in latency.variants)
    assert all(speed.runs == 5 and speed.images_per_second > 0 for speed in latency.variants)
    assert latency.fastest in ("fp32", "int8")
    assert "cores" in latency.machine


def test_failed_parity_is_refused_with_the_reason(tiny_dataset, tiny_checkpoint, tmp_path):
    config = ExportConfig(latency_runs=1, int8=False, max_error=1e-12)
    events = export(tiny_dataset, tiny_checkpoint, tmp_path / "bundle", config)
    (fp32,) = Parity.load(tmp_path / "bundle" / "parity.json").variants
    assert not fp32.accepted and "export.max_error" in fp32.reason
    assert Latency.load(tmp_path / "bundle" / "latency.json").fastest == ""
    assert any("fp32 is refused" in event.get("text", "") for event in events)
    assert not (tmp_path / "bundle" / "model.int8.onnx").exists()


def test_a_failure_leaves_nothing(tiny_dataset, tmp_path):
    with pytest.raises(Exception, match="missing"):
        export(tiny_dataset, tmp_path / "no-checkpoint", tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["spool"]


def test_without_a_calibration_split_training_images_calibrate(
    tiny_dataset, tiny_checkpoint, tmp_path
):
    dataset = tmp_path / "dataset"
    shutil.copytree(tiny_dataset, dataset)
    shutil.rmtree(dataset / "calibration")
    export(dataset, tiny_checkpoint, tmp_path / "bundle", ExportConfig(latency_runs=1))
    assert (tmp_path / "bundle" / "model.int8.onnx").exists()


def test_the_same_seed_gives_the_same_files(exported, tiny_dataset, tiny_checkpoint, tmp_path):
    first, _ = exported
    export(tiny_dataset, tiny_checkpoint, tmp_path / "bundle")
    for name in ("model.onnx", "model.int8.onnx", "probe.png", "probe.json", "parity.json"):
        assert (tmp_path / "bundle" / name).read_bytes() == (first / name).read_bytes(), name


def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing(tmp_path, monkeypatch):
    def full(work, *_):
        (work / "model.onnx").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_fill", full)
    out = tmp_path / "bundle"
    with pytest.raises(OSError, match="No space") as caught, StepRun("x", tmp_path / "s") as run:
        export_bundle(tmp_path, tmp_path, seed=0, config=CONFIG, out=out, run=run)
    assert caught.value.filename == str(out)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
