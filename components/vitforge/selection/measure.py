"""One candidate, measured."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vitforge.artifacts import BackboneSpec, CandidateResult, DatasetInfo
from vitforge.backbones import build
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig, Strategy
from vitforge.selection.candidates import broken_demand, spec_of
from vitforge.selection.latency import latency_ms
from vitforge.selection.neighbours import neighbours_correct
from vitforge.selection.sample import Sample
from vitforge.selection.trial import TIMED_STEPS, run_trial
from vitforge.statistics import wilson
from vitforge.training.hardware import choose_device
from vitforge.training.preparation import choose_preprocessing, training_size


@dataclass(frozen=True)
class Bench:
    """What all candidates are measured with.

    Attributes:
        dataset: Folder of the dataset artifact.
        info: Its description.
        sample: The same rows for all.
        config: Settings of the selection.
        recipe: Settings of the training that is to follow.
        strategy: Which weights it will train.
        seed: Of every random choice.
    """

    dataset: Path
    info: DatasetInfo
    sample: Sample
    config: SelectionConfig
    recipe: FinetuningConfig
    strategy: Strategy
    seed: int


@dataclass(frozen=True)
class Measured:
    """A candidate's numbers.

    Attributes:
        spec: What to build.
        result: The row for the plan.
        correct_N: Which held-out images it had right; None when it was not scored.
    """

    spec: BackboneSpec
    result: CandidateResult
    correct_N: Tensor | None


def measure(candidate: Candidate, bench: Bench, scored: bool = True) -> Measured:
    """Size, speed and, when `scored`, accuracy on held-out training images.

    Raises:
        VitforgeError: if the candidate cannot be built or its weights cannot be had.
    """
    spec = spec_of(candidate)
    recipe, classes = bench.recipe, len(bench.info.classes)
    device = choose_device(recipe.device)
    torch.manual_seed(bench.seed)
    backbone = build(spec, classes)
    parameters, tokens = backbone.parameter_count, backbone.tokens
    latency = latency_ms(backbone, device)
    result = CandidateResult(
        name=candidate.name,
        parameters=parameters,
        image_size=backbone.image_size,
        tokens=tokens,
        latency_ms=latency,
        train_ms=0.0,
        skipped=broken_demand(parameters, latency, bench.config),
    )
    if result.skipped:
        return Measured(spec, result, None)
    how = choose_preprocessing(backbone, bench.info, recipe.augmentation)
    fit, held_out = bench.sample.load(bench.dataset, training_size(how, recipe.augmentation), how)
    by_neighbours = None
    if scored and spec.pretrained:
        bank, _ = bench.sample.load(bench.dataset, how, how)
        by_neighbours = neighbours_correct(backbone, bank, held_out, how, device)
    ranked = scored and bench.config.trial_steps > 0
    trial = run_trial(
        backbone,
        fit,
        held_out,
        classes=classes,
        how=how,
        recipe=recipe,
        strategy=bench.strategy,
        steps=bench.config.trial_steps if ranked else TIMED_STEPS,
        seed=bench.seed,
    )
    correct_N = trial.correct_N if ranked else by_neighbours
    update: dict[str, object] = {"train_ms": 1000 * trial.step_seconds / trial.batch_size}
    if by_neighbours is not None:
        update["knn_top1"] = _share(by_neighbours)
    if ranked:
        update["trial_top1"] = _share(trial.correct_N)
    if correct_N is not None:
        low, high = wilson(int(correct_N.sum()), len(correct_N))
        update |= {"low": low, "high": high, "n": len(correct_N)}
    elif scored:
        update["skipped"] = "random weights cannot be ranked with trial_steps 0"
    return Measured(spec, result.model_copy(update=update), correct_N)


def _share(correct_N: Tensor) -> float:
    return correct_N.double().mean().item()
