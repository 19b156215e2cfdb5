"""The bundle: all that a server needs, and the proof that it answers as the trained model does."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np

from vitforge.artifacts import (
    BASELINE_FILE,
    CALIBRATION,
    DATASET_FILE,
    INT8_FILE,
    LABELS_FILE,
    LATENCY_FILE,
    ONNX_FILE,
    PARITY_FILE,
    PREPROCESSING_FILE,
    TEST,
    TRAIN,
    WEIGHTS_FILE,
    DatasetInfo,
    Latency,
    Parity,
    Preprocessing,
    VariantParity,
    write_atomically,
)
from vitforge.config import ExportConfig
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.export.agreement import unit_of
from vitforge.export.answers import BATCH, answer_split
from vitforge.export.baseline import write_baseline
from vitforge.export.graph import write_onnx
from vitforge.export.images import image_batches
from vitforge.export.latency import describe_machine, measure_latency
from vitforge.export.parity import (
    fastest_accepted,
    is_batch_invariant,
    judge_variant,
)
from vitforge.export.probe import write_probe
from vitforge.export.quantize import write_int8
from vitforge.export.runtime import THREADS, Engine, Infer, Variant, onnx_inference, torch_inference
from vitforge.folders import whole_folder
from vitforge.splits import open_split
from vitforge.tracking import StepRun

STAGES = 5


def export_bundle(
    dataset: Path,
    checkpoint: Path,
    *,
    seed: int,
    config: ExportConfig,
    out: Path,
    run: StepRun,
) -> None:
    """Write ONNX files and hold their answers and speed against the trained model.

    Args:
        dataset: Folder of the dataset artifact.
        checkpoint: Folder of the checkpoint artifact.
        seed: Picks the calibration images and the probe.
        config: What is made, and what counts as the same answer.
        out: Folder of the bundle; appears whole or not at all.
        run: The step's run.

    Raises:
        VitforgeError: if an input is missing or the test split is empty.
    """
    with whole_folder(out) as work:
        _fill(work, dataset, checkpoint, seed, config, run)


def _fill(
    work: Path, dataset: Path, checkpoint: Path, seed: int, config: ExportConfig, run: StepRun
) -> None:
    import torch

    from vitforge.backbones.checkpoint import load_checkpoint

    torch.set_num_threads(THREADS)
    info = DatasetInfo.load(dataset / DATASET_FILE)
    model, model_config, preprocessing = load_checkpoint(checkpoint)
    model.eval()
    test = open_split(dataset, TEST, get_args(Task))
    if len(test) == 0:
        raise VitforgeError("the test split is empty", where=str(dataset))
    preprocessing.save(work / PREPROCESSING_FILE)
    labels = list(model_config.classes)
    write_atomically(work / LABELS_FILE, _json(labels))

    run.progress(0, STAGES, "exporting to ONNX")
    task = model_config.task
    metadata = {
        "task": task,
        "labels": labels,
        "preprocessing": preprocessing.model_dump(mode="json"),
        "backbone": model_config.backbone.display,
        "dataset_fingerprint": info.fingerprint,
        "model_id": hashlib.sha256((checkpoint / WEIGHTS_FILE).read_bytes()).hexdigest(),
    }
    exporter = write_onnx(
        model,
        image_size=preprocessing.image_size,
        opset=config.opset,
        metadata=metadata,
        path=work / ONNX_FILE,
    )
    run.tags({"exporter": exporter})
    files: dict[Variant, Path] = {"fp32": work / ONNX_FILE}
    if config.int8:
        run.progress(1, STAGES, "quantizing to INT8")
        files["int8"] = work / INT8_FILE
        _quantize(dataset, preprocessing, seed, config, files)

    run.progress(2, STAGES, "comparing answers on the test split")
    variants = {name: onnx_inference(path) for name, path in files.items()}
    everybody: dict[Engine, Infer] = {"torch": torch_inference(model)}
    everybody.update(variants.items())
    outputs, mean_pixels, sample = answer_split(everybody, test, preprocessing)
    truth = np.asarray(test["label"])
    unit = unit_of(task, truth)
    invariant = {
        name: is_batch_invariant(infer, sample, task, config.int8_max_drop * unit)
        for name, infer in variants.items()
    }
    parities = tuple(
        judge_variant(
            name,
            path,
            outputs=outputs[name],
            reference=outputs["torch"],
            labels=truth,
            task=task,
            batch_invariant=invariant[name],
            config=config,
        )
        for name, path in files.items()
    )
    Parity(variants=parities, batch_invariant=all(invariant.values()), task=task).save(
        work / PARITY_FILE
    )

    run.progress(3, STAGES, "measuring latency")
    speeds = measure_latency(
        everybody,
        sample,
        runs=config.latency_runs,
        tell=lambda done: run.progress(3 + done / config.latency_runs, STAGES, "measuring latency"),
    )
    fastest = fastest_accepted(parities, {speed.variant: speed.p50_ms for speed in speeds})
    latency = Latency(variants=speeds, fastest=fastest, machine=describe_machine())
    latency.save(work / LATENCY_FILE)

    write_baseline(task, outputs[fastest or "fp32"], mean_pixels, work / BASELINE_FILE)
    chosen = int(np.random.default_rng(seed).integers(len(test)))
    write_probe(test[chosen], task, labels, unit, preprocessing, variants, work)
    _tell(run, parities, latency)
    run.progress(STAGES, STAGES, "done")


def _quantize(
    dataset: Path,
    preprocessing: Preprocessing,
    seed: int,
    config: ExportConfig,
    files: Mapping[Variant, Path],
) -> None:
    # calibration images are training images; a data set may set none aside
    split = open_split(
        dataset, CALIBRATION if (dataset / CALIBRATION).is_dir() else TRAIN, get_args(Task)
    )
    order = np.random.default_rng(seed).permutation(len(split))
    chosen = sorted(order[: config.calibration_images].tolist())
    write_int8(
        files["fp32"],
        image_batches(split, chosen, preprocessing, BATCH),
        smooth_quant=config.smooth_quant,
        path=files["int8"],
    )


def _tell(run: StepRun, parities: tuple[VariantParity, ...], latency: Latency) -> None:
    """Log every number, and a sentence for each variant that is refused."""
    for parity in parities:
        name, score = parity.variant, f"{parity.variant}_{parity.top1.name}"
        run.metrics(
            {
                score: parity.top1.value,
                f"{name}_max_error": parity.max_error,
                f"{name}_flips": parity.flips,
                f"{name}_megabytes": parity.bytes / 1e6,
            }
        )
        run.headline({score: parity.top1.value})
        if not parity.accepted:
            run.note(f"{name} is refused: {parity.reason}")
    for speed in latency.variants:
        run.metrics(
            {
                f"{speed.variant}_p50_ms": speed.p50_ms,
                f"{speed.variant}_p99_ms": speed.p99_ms,
                f"{speed.variant}_images_per_second": speed.images_per_second,
            }
        )
    p50 = ", ".join(f"{speed.variant} {speed.p50_ms:.2f} ms" for speed in latency.variants)
    run.note(f"serves {latency.fastest or 'nothing'} by default; median at batch 1: {p50}")


def _json(values: list[str]) -> bytes:
    import json

    return json.dumps(values, ensure_ascii=False, indent=2).encode() + b"\n"
