"""The choice among candidates: frozen features pick the finalists, a short fine-tune decides."""

from dataclasses import dataclass

from torch import Tensor

from vitforge.artifacts import CandidateResult
from vitforge.config import Candidate
from vitforge.errors import VitforgeError
from vitforge.selection.candidates import none_left, skipped
from vitforge.selection.compare import LEVEL, mcnemar, ties_of_best
from vitforge.selection.measure import Bench, Measured, examine, try_out
from vitforge.selection.reasons import say_lead, say_numbers, why_not
from vitforge.selection.shortlist import shortlist
from vitforge.selection.trial import TIMED_STEPS
from vitforge.tracking import StepRun

FINALISTS = 2
"""Pretrained candidates that are fine-tuned shortly."""


@dataclass(frozen=True)
class Choice:
    """What was taken, and all that speaks for it.

    Attributes:
        chosen: The winner; its `train_ms` is measured.
        measured: All candidates that were measured, the winner among them.
        results: One row for each candidate, those passed over too.
        reasons: Sentences with numbers.
        runner_up: Name of the second; empty where there is none.
        because: Why it was not taken.
    """

    chosen: Measured
    measured: tuple[Measured, ...]
    results: tuple[CandidateResult, ...]
    reasons: tuple[str, ...]
    runner_up: str = ""
    because: str = ""


def take(candidate: Candidate, bench: Bench) -> Choice:
    """The backbone that was named; measured for speed only.

    Raises:
        VitforgeError: if it cannot be had or breaks a demand.
    """
    found = examine(candidate, bench, scored=False)
    if found.result.skipped:
        raise none_left([found.result])
    found = try_out(found, bench, TIMED_STEPS, scored=False)
    reason = (
        f"{candidate.name} was named in the config, so nothing was compared; "
        f"{found.result.latency_ms:.1f} ms an image"
    )
    return Choice(found, (found,), (found.result,), (reason,))


def choose(bench: Bench, run: StepRun) -> Choice:
    """The most accurate candidate; among those that tie with it, the fastest.

    Raises:
        VitforgeError: if none is left.
    """
    rows, live = _examine_all(bench, run)
    steps = bench.config.trial_steps
    told: list[str] = []
    if steps:
        finalists, told = pick_finalists(live)
        for at, name in enumerate(finalists):
            run.progress(at, len(finalists), f"training {name} shortly")
            live[name] = try_out(live[name], bench, steps)
        judged = {name: live[name].tried_N for name in finalists}
    else:
        judged = {name: found.probed_N for name, found in live.items()}
        for name in [name for name, correct_N in judged.items() if correct_N is None]:
            why = "random weights cannot be ranked with trial_steps 0"
            rows[name] = live.pop(name).result.model_copy(update={"skipped": why})
    run.progress(1, 1, "all measured")
    rows |= {name: found.result for name, found in live.items()}
    correct = {name: right_N for name, right_N in judged.items() if right_N is not None}
    if not correct:
        raise none_left(list(rows.values()))
    best, tied = ties_of_best(correct)
    winner = min(tied, key=lambda name: live[name].result.latency_ms)
    second, because = _runner_up(winner, correct, live)
    if not steps:
        live[winner] = try_out(live[winner], bench, TIMED_STEPS, scored=False)
        rows[winner] = live[winner].result
    reasons = [f"{name}: {say_numbers(found.result)}" for name, found in live.items()]
    reasons += [f"{name} was skipped: {row.skipped}" for name, row in rows.items() if row.skipped]
    reasons += [*told, say_lead(best, tied, winner, len(correct))]
    return Choice(
        live[winner], tuple(live.values()), tuple(rows.values()), tuple(reasons), second, because
    )


def _examine_all(
    bench: Bench, run: StepRun
) -> tuple[dict[str, CandidateResult], dict[str, Measured]]:
    """A row for every candidate, and those that may win, by name."""
    candidates = list(bench.config.candidates)
    passed_over: list[CandidateResult] = []
    if bench.config.zoo:
        few, passed_over = shortlist(bench.config, bench.info, bench.recipe, bench.strategy)
        candidates += few
    rows: dict[str, CandidateResult] = {}
    live: dict[str, Measured] = {}
    for at, candidate in enumerate(candidates):
        run.progress(at, len(candidates), f"measuring {candidate.name}")
        try:
            found = examine(candidate, bench)
        except VitforgeError as error:
            rows[candidate.name] = skipped(candidate, error.cause, error.mend)
            continue
        rows[candidate.name] = found.result
        if not found.result.skipped:
            live[candidate.name] = found
    return rows | {row.name: row for row in passed_over}, live


def pick_finalists(live: dict[str, Measured]) -> tuple[list[str], list[str]]:
    """Who is fine-tuned: all that frozen features cannot judge, and the best of the others.

    Args:
        live: Candidates by name.

    Returns:
        Names in `live`'s order, and what is to be said of those left out.
    """
    probed = {name: f.probed_N for name, f in live.items() if f.probed_N is not None}

    def merit(name: str) -> tuple[int, float]:
        return int(probed[name].sum()), -live[name].result.latency_ms

    ranked = sorted(probed, key=merit, reverse=True)
    kept, out = ranked[:FINALISTS], ranked[FINALISTS:]
    close = [name for name in out if mcnemar(probed[kept[-1]], probed[name]) >= LEVEL]
    told = []
    if out:
        told.append(
            f"by a linear probe on frozen features {' and '.join(kept)} went on to a short "
            f"fine-tune; left out: {', '.join(out)}"
        )
    if close:
        told.append(
            f"{' and '.join(close)} cannot be told from {kept[-1]} by the probe (McNemar, "
            f"p >= {LEVEL}): only time kept them out"
        )
    return [name for name in live if name in kept or name not in probed], told


def _runner_up(
    winner: str, correct: dict[str, Tensor], live: dict[str, Measured]
) -> tuple[str, str]:
    """The second by the deciding measurement; else the best that was left out before it."""
    others = [name for name in correct if name != winner]
    if others:
        second = max(others, key=lambda n: (int(correct[n].sum()), -live[n].result.latency_ms))
        ours, theirs = live[winner].result, live[second].result
        return second, why_not(ours, theirs, correct[winner], correct[second])
    return "", ""
