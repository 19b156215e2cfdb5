"""Choosing a backbone by measuring, and writing the plan."""

from pathlib import Path
from typing import cast, get_args

from vitforge.artifacts import (
    DATASET_FILE,
    PLAN_FILE,
    TRAIN,
    VAL,
    CandidateResult,
    DatasetInfo,
    Plan,
)
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig, Strategy
from vitforge.errors import VitforgeError
from vitforge.selection.candidates import named_candidate, none_left, skipped
from vitforge.selection.compare import ties_of_best
from vitforge.selection.expect import expected_seconds
from vitforge.selection.measure import Bench, Measured, measure
from vitforge.selection.sample import draw_sample
from vitforge.tracking import StepRun


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
    bench = Bench(dataset, info, sample, config, recipe, planned, seed)
    if backbone:
        chosen, results, reasons = _take(named_candidate(backbone, config), bench)
    else:
        chosen, results, reasons = _choose(bench, run)
    plan = Plan(
        backbone=chosen.spec,
        strategy=planned,
        epochs=epochs,
        seed=seed,
        recipe=recipe,
        image_size=chosen.result.image_size,
        candidates=tuple(results),
        reasons=tuple(reasons),
        expected_seconds=expected_seconds(
            chosen.result, recipe, epochs, info.sizes[TRAIN], info.sizes[VAL]
        ),
    )
    plan.save(out / PLAN_FILE)
    for reason in reasons:
        run.note(reason)
    run.metrics({"expected_seconds": plan.expected_seconds})
    return plan


Choice = tuple[Measured, list[CandidateResult], list[str]]


def _take(candidate: Candidate, bench: Bench) -> Choice:
    """The backbone that was named; measured for speed only."""
    found = measure(candidate, bench, scored=False)
    if found.result.skipped:
        raise none_left([found.result], [])
    reason = (
        f"{candidate.name} was named in the config, so nothing was compared; "
        f"{found.result.latency_ms:.1f} ms an image"
    )
    return found, [found.result], [reason]


def _choose(bench: Bench, run: StepRun) -> Choice:
    """The most accurate candidate; among those that tie with it, the fastest."""
    candidates = bench.config.candidates
    results: list[CandidateResult] = []
    scored: dict[str, Measured] = {}
    mends: list[str] = []
    for at, candidate in enumerate(candidates):
        run.progress(at, len(candidates), f"measuring {candidate.name}")
        try:
            found = measure(candidate, bench)
        except VitforgeError as error:
            results.append(skipped(candidate, error.cause))
            mends.append(error.mend)
            continue
        results.append(found.result)
        _log(run, found.result)
        if not found.result.skipped:
            scored[candidate.name] = found
    run.progress(len(candidates), len(candidates), "all measured")
    if not scored:
        raise none_left(results, mends)
    correct = {name: found.correct_N for name, found in scored.items()}
    best, tied = ties_of_best({k: v for k, v in correct.items() if v is not None})
    fastest = min(tied, key=lambda name: scored[name].result.latency_ms)
    return scored[fastest], results, _reasons(results, scored, best, tied, fastest)


def _reasons(
    results: list[CandidateResult],
    scored: dict[str, Measured],
    best: str,
    tied: tuple[str, ...],
    chosen: str,
) -> list[str]:
    told = [f"{name}: {_numbers(found.result)}" for name, found in scored.items()]
    told += [f"{r.name} was skipped: {r.skipped}" for r in results if r.skipped]
    if len(tied) > 1:
        told.append(
            f"{' and '.join(tied)} cannot be told apart on these images (McNemar, p >= 0.05); "
            f"{chosen} is the fastest of them and was taken"
        )
    elif len(scored) > 1:
        told.append(f"{best} is more accurate than every other (McNemar, p < 0.05)")
    else:
        told.append(f"{best} was the only one left")
    return told


def _numbers(result: CandidateResult) -> str:
    value = result.trial_top1 if result.trial_top1 is not None else result.knn_top1
    how = "after a short fine-tune" if result.trial_top1 is not None else "by nearest neighbours"
    return (
        f"top-1 {value:.3f} [{result.low:.3f}, {result.high:.3f}] {how} "
        f"(n = {result.n}), {result.latency_ms:.1f} ms an image, "
        f"{result.parameters / 1e6:.2f} M parameters"
    )


def _log(run: StepRun, result: CandidateResult) -> None:
    values = result.model_dump(exclude={"name", "skipped"}, exclude_none=True)
    run.metrics({f"{name}/{result.name}": value for name, value in values.items()})
