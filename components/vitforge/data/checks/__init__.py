"""Checks before training: one file each, one function each, all told in one shape."""

from collections.abc import Callable

from vitforge.data.checks import (
    blur,
    dark,
    drift,
    exact_duplicates,
    formats,
    group_leakage,
    imbalance,
    label_conflicts,
    near_duplicates,
    odd_sizes,
    shortcuts,
    tiny_classes,
    unreadable,
)
from vitforge.data.checks.finding import Examined, Finding

CHECKS: tuple[Callable[[Examined], Finding | None], ...] = (
    exact_duplicates.check,
    near_duplicates.check,
    group_leakage.check,
    label_conflicts.check,
    unreadable.check,
    tiny_classes.check,
    imbalance.check,
    shortcuts.check,
    drift.check,
    blur.check,
    dark.check,
    odd_sizes.check,
    formats.check,
)
_ORDER = ("failure", "warning", "note")


def run_checks(data: Examined) -> list[Finding]:
    """What the checks have to say, the worst first."""
    findings = [finding for check in CHECKS if (finding := check(data))]
    return sorted(findings, key=lambda finding: _ORDER.index(finding.severity))


__all__ = ["CHECKS", "Examined", "Finding", "run_checks"]
