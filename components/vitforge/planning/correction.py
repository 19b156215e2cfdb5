"""How far past predictions were off, and by how much to correct the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from vitforge.errors import ConfigError


@dataclass(frozen=True)
class Correction:
    """What past runs taught."""

    factor: float
    """Median of measured over expected; 1 without any run."""
    runs: int
    """Runs that it was learnt from."""
    error: float
    """Median of |expected / measured - 1| of those runs, before any correction; 0 without any."""

    @property
    def said(self) -> str:
        """The same in words."""
        if not self.runs:
            return "no past run to learn from"
        runs = "1 past run" if self.runs == 1 else f"{self.runs} past runs"
        return (
            f"× {self.factor:.2f}, learnt from {runs}, whose predictions were {self.error:.0%} off"
        )


NOTHING_LEARNT = Correction(1.0, 0, 0.0)


def learn_correction(expected: Sequence[float], measured: Sequence[float]) -> Correction:
    """The factor that would have put half of the past predictions too high, half too low.

    A median forgives one odd run.

    Args:
        expected: Seconds or bytes, above 0, one a run; not corrected.
        measured: What the same runs took.

    Raises:
        ConfigError: if the lengths differ or a number is not positive.
    """
    if len(expected) != len(measured):
        raise ConfigError(
            f"{len(expected)} expected and {len(measured)} measured values", mend="give one each"
        )
    if any(value <= 0 for value in (*expected, *measured)):
        raise ConfigError("a time or size is not positive", mend="leave out runs that did not end")
    if not expected:
        return NOTHING_LEARNT
    pairs = list(zip(expected, measured, strict=True))
    return Correction(
        median(m / e for e, m in pairs), len(pairs), median(abs(e / m - 1) for e, m in pairs)
    )


def learn_from_known(pairs: Sequence[tuple[float | None, float | None]]) -> Correction:
    """`learn_correction` from (expected, measured) pairs, of which some are not known."""
    known = [(e, m) for e, m in pairs if e is not None and m is not None and min(e, m) > 0]
    return learn_correction([e for e, _ in known], [m for _, m in known])
