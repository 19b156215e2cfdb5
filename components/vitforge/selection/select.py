"""Choosing a backbone by measuring, and writing the plan."""

import hashlib
import re
from pathlib import Path
from typing import cast, get_args

from vitforge.artifacts import (
    DATASET_FILE,
    PLAN_FILE,
    REPORT_FILE,
    TRAIN,
    VAL,
    DatasetInfo,
    Plan,
)
from vitforge.config import FinetuningConfig, SelectionConfig, Strategy
from vitforge.errors import VitforgeError
from vitforge.folders import whole_folder
from vitforge.selection.candidates import named_candidate
from vitforge.selection.choose import choose, take
from vitforge.selection.cost import predicted_mib, training_gflops
from vitforge.selection.expect import device_name, expected_seconds, learnt_correction
from vitforge.selection.licence import warn_unknown
from vitforge.selection.measure import Bench, Measured
from vitforge.selection.page import plan_report
from vitforge.selection.sample import SampleImages, draw_sample
from vitforge.tracking import StepRun
from vitforge.tracking.past_runs import DEVICE_TAG, PRECISION_TAG
from vitforge.training.hardware import choose_device, choose_precision

FEATURES = "features"
"""Folder of the plan that keeps each measured backbone's frozen features of the sample."""


def select(
    dataset: Path,
    *,
    backbone: str,
    strategy: str,
    epochs: int,
    seed: int,
    config: SelectionConfig,
    recipe: FinetuningConfig,
    out: Path,
    run: StepRun,
) -> Plan:
    """Measure the candidates on this data and write the plan.

    Args:
        dataset: The dataset artifact; only its training split is looked at.
        backbone: Taken without choosing (a candidate's label, or any known form); empty chooses.
        strategy: Which weights will be trained.
        epochs: Epochs that will be trained.
        seed: Of every random choice.
        config: The candidates and the demands on them.
        recipe: Settings of the training that follows.
        out: Folder of the plan artifact.
        run: Hears of progress, metrics and reasons.

    Raises:
        VitforgeError: if the named backbone, or every candidate, cannot be had or breaks a demand.
    """
    info = DatasetInfo.load(dataset / DATASET_FILE)
    sample = draw_sample(info, config.sample_images, seed)
    if strategy not in get_args(Strategy):
        raise VitforgeError(
            f"unknown strategy {strategy!r}",
            where="strategy",
            mend="take one of " + ", ".join(get_args(Strategy)),
        )
    planned = cast(Strategy, strategy)
    bench = Bench(info, SampleImages(dataset, sample), config, recipe, planned, seed)
    choice = take(named_candidate(backbone, config), bench) if backbone else choose(bench, run)
    chosen = choice.chosen
    seconds = expected_seconds(chosen.result, recipe, epochs, info.sizes[TRAIN], info.sizes[VAL])
    device = choose_device(recipe.device)
    learnt = learnt_correction(device)
    warnings = [
        text
        for found in choice.measured
        for text in warn_unknown(
            found.result.name, found.result.licence, found.spec.pretrained, config.use
        )
    ]
    kept = {
        found.result.name: f"{FEATURES}/{_file_name(found.result.name)}.npz"
        for found in choice.measured
        if found.features is not None
    }
    plan = Plan(
        backbone=chosen.spec,
        strategy=planned,
        epochs=epochs,
        seed=seed,
        recipe=recipe,
        image_size=chosen.result.image_size,
        candidates=tuple(
            row.model_copy(update={"features_file": kept.get(row.name, "")})
            for row in choice.results
        ),
        reasons=(
            *warnings,
            *([f"expected time {learnt.said}"] if learnt.runs else []),
            *choice.reasons,
        ),
        expected_seconds=seconds * learnt.factor,
        runner_up=choice.runner_up,
        runner_up_because=choice.because,
        predicted_memory_mib=_memory(chosen, bench, run),
    )
    with whole_folder(out) as folder:
        for found in choice.measured:
            if found.features is not None:
                found.features.save(folder / kept[found.result.name])
        plan.save(folder / PLAN_FILE)
        plan_report(plan).save(folder / REPORT_FILE)
    _tell(plan, out, run)
    # What the next plans learn from: the prediction as it was before it was corrected.
    run.tags(
        {
            DEVICE_TAG: device_name(device),
            PRECISION_TAG: choose_precision(recipe.precision, device),
        }
    )
    run.metrics({"seconds_uncorrected": seconds} | _work(chosen, bench))
    return plan


def _memory(chosen: Measured, bench: Bench, run: StepRun) -> float | None:
    """Predicted for the training that follows; a plan is worth having without it."""
    if chosen.result.memory_mib is not None:
        return chosen.result.memory_mib
    size = chosen.result.image_size
    try:
        return predicted_mib(chosen.spec, size, bench.info, bench.recipe, bench.strategy)
    except VitforgeError as error:
        run.note(f"memory was not predicted: {error.cause}")
        return None


def _work(chosen: Measured, bench: Bench) -> dict[str, float]:
    size = chosen.result.image_size
    try:
        work = training_gflops(chosen.spec, size, bench.info, bench.recipe, bench.strategy)
    except VitforgeError:  # told already, by the memory's prediction
        return {}
    return {"training_gflops": work}


def _file_name(candidate: str) -> str:
    """A name that any file system takes, and no two candidates share."""
    digest = hashlib.sha256(candidate.encode()).hexdigest()[:8]
    return re.sub(r"[^\w.-]+", "-", candidate)[-60:].strip("-.") + f"-{digest}"


def _tell(plan: Plan, out: Path, run: StepRun) -> None:
    for reason in plan.reasons:
        run.note(reason)
    if plan.runner_up:
        run.note(f"runner-up: {plan.runner_up}; {plan.runner_up_because}")
    for row in plan.candidates:
        if not row.skipped:
            values = row.model_dump(exclude_none=True)
            numbers = {k: v for k, v in values.items() if isinstance(v, int | float)}
            run.metrics({f"{name}/{row.name}": value for name, value in numbers.items()})
    run.metrics({"seconds_predicted": plan.expected_seconds})
    if plan.predicted_memory_mib is not None:
        run.metrics({"memory_predicted_mib": plan.predicted_memory_mib})
    run.file(out / REPORT_FILE, "plan")
