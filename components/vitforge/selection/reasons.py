"""Why this candidate and not that one, in sentences with numbers."""

from torch import Tensor

from vitforge.artifacts import CandidateResult
from vitforge.selection.compare import LEVEL, mcnemar


def say_numbers(result: CandidateResult) -> str:
    """One candidate's accuracy, speed and size."""
    value, how = deciding(result)
    told = (
        f"top-1 {value:.3f} [{result.low:.3f}, {result.high:.3f}] {how} "
        f"(n = {result.n}), {result.latency_ms:.1f} ms an image, "
        f"{result.parameters / 1e6:.2f} M parameters"
    )
    if result.probe_top1 is None or result.knn_top1 is None or result.logme is None:
        return told
    return told + (
        f"; frozen features: linear probe {result.probe_top1:.3f}, nearest neighbours "
        f"{result.knn_top1:.3f}, LogME {result.logme:.3f} (not ranked on)"
    )


def deciding(result: CandidateResult) -> tuple[float | None, str]:
    """The accuracy that counts, and how it was had."""
    if result.trial_top1 is not None:
        return result.trial_top1, "after a short fine-tune"
    return result.probe_top1, "by a linear probe"


def say_lead(best: str, tied: tuple[str, ...], winner: str, compared: int) -> str:
    """How far the first is ahead."""
    if len(tied) > 1:
        return (
            f"{' and '.join(tied)} cannot be told apart on these images (McNemar, p >= {LEVEL}); "
            f"{winner} is the fastest of them and was taken"
        )
    if compared > 1:
        return f"{best} is more accurate than every other (McNemar, p < {LEVEL})"
    return f"{best} was the only one left"


def why_not(
    winner: CandidateResult, second: CandidateResult, winner_N: Tensor, second_N: Tensor
) -> str:
    """Why the runner-up was not taken.

    Args:
        winner: The candidate taken.
        second: The one not taken.
        winner_N: Which images the first had right, bool.
        second_N: The same of the second, on the same images.
    """
    n, p = len(winner_N), mcnemar(winner_N, second_N)
    scores = (
        f"{int(second_N.sum())} of {n} right against {int(winner_N.sum())}, McNemar p = {p:.2g}"
    )
    if p < LEVEL:
        return f"it is less accurate: {scores}"
    return (
        f"it cannot be told from {winner.name} by accuracy ({scores}), and takes "
        f"{second.latency_ms:.1f} ms an image against {winner.latency_ms:.1f}"
    )
