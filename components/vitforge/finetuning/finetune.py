"""Training the planned backbone."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitforge.artifacts import (
    DATASET_FILE,
    PLAN_FILE,
    REPORT_FILE,
    TRAIN,
    TRAINING_FILE,
    VAL,
    DatasetInfo,
    ModelConfig,
    Plan,
    TrainingSummary,
)
from vitforge.artifacts.features import features_key, planned_features
from vitforge.backbones import Backbone, build
from vitforge.backbones.checkpoint import save_checkpoint
from vitforge.finetuning.curves import draw_curves
from vitforge.finetuning.diagnosis import diagnose
from vitforge.finetuning.flow_picture import draw_flow
from vitforge.finetuning.launch import launch, process_count
from vitforge.finetuning.observed import fit_observed
from vitforge.finetuning.page import training_report
from vitforge.finetuning.predicted import tell_errors, with_peak_memory
from vitforge.finetuning.snapshots import snapshot_store
from vitforge.finetuning.telling import Teller
from vitforge.folders import whole_folder
from vitforge.tasks import output_count
from vitforge.tracking import StepRun
from vitforge.tracking.code import code_digest
from vitforge.training.distributed import started_by_torchrun, world
from vitforge.training.hardware import choose_device
from vitforge.training.images import load_images
from vitforge.training.job import Fitted, Job
from vitforge.training.objectives import choose_objective
from vitforge.training.preparation import choose_preprocessing, training_size
from vitforge.training.validation import validate

JUDGED = 500
"""Training images that over- and underfitting are judged on, at most."""


def finetune(dataset: Path, plan: Path, out: Path, run: StepRun) -> TrainingSummary:
    """Train as planned and write the best epoch's checkpoint, here or in several processes.

    Args:
        dataset: The dataset artifact.
        plan: The plan artifact.
        out: Folder of the checkpoint artifact; appears whole or not at all.
        run: Hears of progress and metrics.

    Raises:
        VitforgeError: if the weights cannot be had, the loss is no longer a number, or SIGTERM
            asked to stop.
        KeyboardInterrupt: after Ctrl-C; both are gone on with by the same call.
    """
    recipe = Plan.load(plan / PLAN_FILE).recipe
    processes = process_count(recipe.processes, recipe.device)
    if processes == 1 or started_by_torchrun():
        return train(dataset, plan, out, run, run.folder)
    launch(dataset, plan, out, run, processes)
    return TrainingSummary.load(out / TRAINING_FILE)


def train(dataset: Path, plan: Path, out: Path, run: StepRun, run_folder: Path) -> TrainingSummary:
    """Train in this process, alone or as one of those that torchrun started; see `finetune`.

    Args:
        dataset: The dataset artifact.
        plan: The plan artifact.
        out: Folder of the checkpoint artifact, written by the first process.
        run: Hears what this process says.
        run_folder: The step's own, the same for all processes: snapshots lie in it.
    """
    planned = Plan.load(plan / PLAN_FILE)
    info = DatasetInfo.load(dataset / DATASET_FILE)
    recipe = planned.recipe
    run.params({"plan": planned.model_dump(mode="json", exclude={"candidates", "reasons"})})
    run.tags({"vitforge.code": code_digest(), "vitforge.dataset_fingerprint": info.fingerprint})
    with world(choose_device(recipe.device)) as processes:
        torch.manual_seed(planned.seed)  # the head's first weights
        outputs = output_count(info.task, len(info.classes))
        backbone = build(planned.backbone, outputs, planned.image_size)
        how = choose_preprocessing(backbone, info, recipe.augmentation)
        key = features_key(planned.backbone, how, info.fingerprint)
        job = Job(
            train=load_images(dataset, TRAIN, training_size(how, recipe.augmentation)),
            val=load_images(dataset, VAL, how),
            classes=len(info.classes),
            how=how,
            recipe=recipe,
            strategy=planned.strategy,
            epochs=planned.epochs,
            seed=planned.seed,
            task=info.task,
            world=processes,
            planned=planned_features(plan, planned, key) if planned.strategy == "head" else None,
        )
        store = snapshot_store(planned, info, run_folder)
        teller = Teller(run, info, how)
        (fitted, watcher), memory_mib = with_peak_memory(
            lambda: fit_observed(backbone, job, store, run, teller)
        )
        if fitted.note:
            run.note(fitted.note)
        summary = TrainingSummary(
            strategy=planned.strategy,
            epochs=fitted.records,
            best_epoch=fitted.best_epoch,
            best_val_top1=None if math.isnan(fitted.best_top1) else fitted.best_top1,
            metric=fitted.metric,
            best_value=fitted.best_value,
            parameters=backbone.parameter_count,
            trainable_parameters=fitted.trainable_parameters,
            precision=fitted.precision,
            device=fitted.device,
            seconds=fitted.seconds,
            expected_seconds=planned.expected_seconds,
            dataset_fingerprint=info.fingerprint,
            alarms=tuple(map(str, watcher.alarms)),
            advice=_advice(backbone, job, fitted, dataset) if processes.is_first else (),
        )
        if processes.is_first:
            curves = draw_curves(summary)
            flow = draw_flow(watcher.samples) if watcher.samples else None
            with whole_folder(out) as folder:
                config = ModelConfig(
                    backbone=backbone.spec,
                    classes=info.classes,
                    image_size=backbone.image_size,
                    task=info.task,
                )
                save_checkpoint(folder, backbone, config, how)
                summary.save(folder / TRAINING_FILE)
                training_report(summary, curves, flow).save(folder / REPORT_FILE)
            store.clear()
            _log_summary(run, summary, out, {"curves": curves, "gradient_flow": flow})
            tell_errors(run, planned, fitted.seconds, memory_mib)
    return summary


def _advice(backbone: Backbone, job: Job, fitted: Fitted, dataset: Path) -> tuple[str, ...]:
    """What the curves say, with the accuracy on training images seen as serving sees them."""
    train_top1 = val_top1 = None
    if not math.isnan(fitted.best_top1):
        index = np.linspace(0, len(job.train) - 1, min(JUDGED, len(job.train))).astype(int)
        images = load_images(dataset, TRAIN, job.how, index.tolist())
        device = torch.device("cpu")
        objective = choose_objective(job.task, job.classes, job.train.labels_N, job.recipe)
        score = validate(backbone, images, job.how, device=device, objective=objective)
        train_top1 = score.metrics["top1"]
        val_top1 = fitted.best_top1
    return diagnose(job.recipe, fitted.records, train_top1, val_top1)


def _log_summary(
    run: StepRun, summary: TrainingSummary, checkpoint: Path, pictures: dict[str, Any]
) -> None:
    run.headline({f"best_val_{summary.metric}": summary.best_value})
    for sentence in summary.advice:
        run.note(sentence)
    name = "top-1" if summary.metric == "top1" else summary.metric.replace("_", " ")
    run.note(
        f"best epoch {summary.best_epoch}: val {name} {summary.best_value:.3f}; "
        f"{_duration(summary.seconds)}, expected {_duration(summary.expected_seconds)}"
    )
    for name, figure in pictures.items():
        if figure is not None:
            file = run.folder / f"{name}.png"
            figure.savefig(file, dpi=110)
            run.file(file, "training", headline=True)
    run.file(checkpoint / REPORT_FILE, "training")


def _duration(seconds: float) -> str:
    return "under 1 s" if seconds < 1 else f"{seconds:.0f} s"
