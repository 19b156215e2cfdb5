"""Training the planned backbone."""

import math
from pathlib import Path

import torch

from vitforge.artifacts import (
    DATASET_FILE,
    PLAN_FILE,
    TRAIN,
    TRAINING_FILE,
    VAL,
    DatasetInfo,
    EpochRecord,
    ModelConfig,
    Plan,
    TrainingSummary,
)
from vitforge.backbones import build
from vitforge.backbones.checkpoint import save_checkpoint
from vitforge.finetuning.curves import draw_curves
from vitforge.finetuning.predicted import tell_errors, with_peak_memory
from vitforge.folders import whole_folder
from vitforge.tasks import output_count
from vitforge.tracking import StepRun
from vitforge.training.fit import fit
from vitforge.training.images import load_images
from vitforge.training.job import Job
from vitforge.training.preparation import choose_preprocessing, training_size


def finetune(dataset: Path, plan: Path, out: Path, run: StepRun) -> TrainingSummary:
    """Train as planned and write the best epoch's checkpoint.

    Args:
        dataset: The dataset artifact.
        plan: The plan artifact.
        out: Folder of the checkpoint artifact; appears whole or not at all.
        run: Hears of progress and metrics.

    Raises:
        VitforgeError: if the weights cannot be had, or the loss is no longer a number.
    """
    planned = Plan.load(plan / PLAN_FILE)
    info = DatasetInfo.load(dataset / DATASET_FILE)
    recipe = planned.recipe
    run.params({"plan": planned.model_dump(mode="json", exclude={"candidates", "reasons"})})
    torch.manual_seed(planned.seed)  # the head's first weights
    outputs = output_count(info.task, len(info.classes))
    backbone = build(planned.backbone, outputs, planned.image_size)
    how = choose_preprocessing(backbone, info, recipe.augmentation)
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
    )
    fitted, memory_mib = with_peak_memory(
        lambda: fit(backbone, job, run.progress, lambda record: _log_epoch(run, record))
    )
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
    )
    with whole_folder(out) as folder:
        config = ModelConfig(
            backbone=backbone.spec,
            classes=info.classes,
            image_size=backbone.image_size,
            task=info.task,
        )
        save_checkpoint(folder, backbone, config, how)
        summary.save(folder / TRAINING_FILE)
    _log_summary(run, summary)
    tell_errors(run, planned, fitted.seconds, memory_mib)
    return summary


def _log_epoch(run: StepRun, record: EpochRecord) -> None:
    values = record.model_dump(exclude={"epoch", "val_metrics"}, exclude_none=True)
    named = {f"val_{name}": value for name, value in record.val_metrics.items()}
    run.metrics({**values, **named}, step=record.epoch)


def _log_summary(run: StepRun, summary: TrainingSummary) -> None:
    run.headline({f"best_val_{summary.metric}": summary.best_value})
    name = "top-1" if summary.metric == "top1" else summary.metric.replace("_", " ")
    run.note(
        f"best epoch {summary.best_epoch}: val {name} {summary.best_value:.3f}; "
        f"{summary.seconds:.0f} s, expected {summary.expected_seconds:.0f} s"
    )
    curves = run.folder / "curves.png"
    draw_curves(summary, curves)
    run.file(curves, "training", headline=True)
