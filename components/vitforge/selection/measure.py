"""One candidate, measured: first what costs little, then a short fine-tune."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vitforge.artifacts import BackboneSpec, CandidateResult, DatasetInfo
from vitforge.artifacts.features import FrozenFeatures, features_key
from vitforge.backbones import build
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig, Strategy
from vitforge.errors import VitforgeError
from vitforge.selection.candidates import broken_demand, skipped, spec_of
from vitforge.selection.cost import predicted_mib
from vitforge.selection.features import BATCH, compute_features
from vitforge.selection.latency import latency_ms
from vitforge.selection.licence import licence_of
from vitforge.selection.logme import logme
from vitforge.selection.neighbours import neighbours_correct
from vitforge.selection.probe import probe_correct
from vitforge.selection.sample import SampleImages
from vitforge.selection.trial import run_trial
from vitforge.statistics import wilson
from vitforge.tasks import output_count
from vitforge.training.hardware import choose_device
from vitforge.training.preparation import choose_preprocessing, training_size
from vitforge.training.threads import fitting_threads


@dataclass(frozen=True)
class Bench:
    """What all candidates are measured with.

    Attributes:
        info: Description of the dataset artifact.
        images: The same rows of it for all.
        config: Settings of the selection.
        recipe: Settings of the training that is to follow.
        strategy: Which weights it will train.
        seed: Of every random choice.
    """

    info: DatasetInfo
    images: SampleImages
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
        features: Frozen features of the sample; None for random weights.
        probed_N: Which sampled images the linear probe had right; None without features.
        tried_N: Which held-out images the short fine-tune had right; None before it.
    """

    spec: BackboneSpec
    result: CandidateResult
    features: FrozenFeatures | None = None
    probed_N: Tensor | None = None
    tried_N: Tensor | None = None


def examine(candidate: Candidate, bench: Bench, scored: bool = True) -> Measured:
    """Demands, size, speed and, when `scored`, what frozen pretrained features are worth.

    Raises:
        VitforgeError: if the candidate cannot be built or its weights cannot be had.
    """
    spec = spec_of(candidate)
    licence = licence_of(candidate, spec)
    if why := broken_demand(bench.config, licence=licence):
        row = skipped(candidate, why, "set selection.use: research where it is")
        return Measured(spec, row.model_copy(update={"licence": licence}))
    device = choose_device(bench.recipe.device)
    torch.manual_seed(bench.seed)
    backbone = build(spec, output_count(bench.info.task, len(bench.info.classes)))
    licence = licence or licence_of(candidate, spec)  # its card has come with the weights
    parameters, size = backbone.parameter_count, backbone.image_size
    memory = None
    if bench.config.max_memory_gib:
        memory = predicted_mib(backbone.spec, size, bench.info, bench.recipe, bench.strategy)
    tokens = backbone.tokens
    with fitting_threads(parameters, tokens, 1):
        latency = latency_ms(backbone, device)
    result = CandidateResult(
        name=candidate.name,
        parameters=parameters,
        image_size=size,
        tokens=tokens,
        latency_ms=latency,
        train_ms=0.0,
        licence=licence,
        memory_mib=memory,
        skipped=broken_demand(
            bench.config,
            licence=licence,
            parameters=parameters,
            memory_mib=memory or 0.0,
            latency_ms=latency,
        ),
    )
    # Random weights have no features worth judging; other tasks have no class to name.
    frozen = spec.pretrained and bench.info.task == "single_label"
    if result.skipped or not scored or not frozen:
        return Measured(spec, result)
    how = choose_preprocessing(backbone, bench.info, bench.recipe.augmentation)
    parts = (bench.images.held_out(how), bench.images.fit(how))
    made_by = features_key(spec, how, bench.info.fingerprint)
    with fitting_threads(parameters, tokens, BATCH):
        features = compute_features(backbone, parts, how, device, made_by)
    values_ND = torch.from_numpy(features.values_ND)
    labels_N = torch.from_numpy(features.labels_N)
    near_N = neighbours_correct(values_ND, labels_N)
    probed_N = probe_correct(values_ND, labels_N, bench.seed)
    probe = _interval("probe", probed_N)
    values = {
        **_interval("knn", near_N),
        **probe,
        "low": probe["probe_low"],
        "high": probe["probe_high"],
        "n": len(features.ids),
        "features_n": len(features.ids),
        "logme": logme(values_ND, labels_N),
    }
    return Measured(spec, result.model_copy(update=values), features, probed_N)


def try_out(found: Measured, bench: Bench, steps: int, scored: bool = True) -> Measured:
    """A short fine-tune: how fast training is and, when `scored`, how accurate it soon gets."""
    recipe, classes = bench.recipe, len(bench.info.classes)
    torch.manual_seed(bench.seed)  # the same first weights, however many candidates there are
    backbone = build(found.spec, output_count(bench.info.task, classes))
    how = choose_preprocessing(backbone, bench.info, recipe.augmentation)
    trial = run_trial(
        backbone,
        bench.images.fit(training_size(how, recipe.augmentation)),
        bench.images.held_out(how),
        classes=classes,
        how=how,
        recipe=recipe,
        strategy=bench.strategy,
        steps=steps,
        seed=bench.seed,
        task=bench.info.task,
    )
    values: dict[str, object] = {"train_ms": 1000 * trial.step_seconds / trial.batch_size}
    if scored:
        if trial.correct_N is None:
            raise VitforgeError(
                f"candidates are compared by what they get right, which {bench.info.task} has not",
                where="data.task",
                mend="name one with the key backbone",
            )
        told = _interval("trial", trial.correct_N)
        values |= {
            "trial_top1": told["trial_top1"],
            "low": told["trial_low"],
            "high": told["trial_high"],
            "n": len(trial.correct_N),
        }
    return Measured(
        found.spec,
        found.result.model_copy(update=values),
        found.features,
        found.probed_N,
        trial.correct_N if scored else None,
    )


def _interval(name: str, correct_N: Tensor) -> dict[str, float]:
    """Accuracy and its 95 % interval, under the plan's names."""
    low, high = wilson(int(correct_N.sum()), len(correct_N))
    top1 = correct_N.double().mean().item()
    return {f"{name}_top1": top1, f"{name}_low": low, f"{name}_high": high}
