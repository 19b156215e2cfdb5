"""What differs between two runs: config, data, and every metric."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vitforge.artifacts import (
    DATASET_FILE,
    METRICS_FILE,
    PREDICTIONS_FILE,
    DatasetInfo,
    MetricRow,
    Metrics,
)
from vitforge.errors import VitforgeError
from vitforge_pipelines.runners.local import find_artifact
from vitforge_pipelines.runners.record import RunRecord


@dataclass(frozen=True)
class MetricDifference:
    """One metric of both runs."""

    name: str
    slice: str
    ours: float | None
    theirs: float | None
    difference: float | None = None
    """Ours less theirs."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Images in common; 0 where the difference is not paired."""

    @property
    def surely(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class RunDifference:
    """Everything that differs."""

    ours: str
    theirs: str
    headline: str
    """Whether the metrics are paired, and why not."""
    metrics: tuple[MetricDifference, ...]
    config: tuple[tuple[str, Any, Any], ...]
    """Key, ours, theirs."""
    data: tuple[tuple[str, Any, Any], ...]
    """What, ours, theirs."""

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def compare_runs(ours: tuple[Path, RunRecord], theirs: tuple[Path, RunRecord]) -> RunDifference:
    """Compare two runs that were evaluated.

    Args:
        ours: Folder and record of the newer run, or of the one in question.
        theirs: Of the other.

    Raises:
        VitforgeError: if one has no evaluation yet.
    """
    one, other = (_artifact(folder, "metrics", METRICS_FILE) for folder, _ in (ours, theirs))
    before, after = Metrics.load(other), Metrics.load(one)
    paired, why_not = _paired(ours[0], theirs[0], after.confidence_level)
    settings = [dict(_flat(r.config.model_dump(mode="json"))) for _, r in (ours, theirs)]
    data = [_data(folder) for folder, _ in (ours, theirs)]
    n = next((row.n for row in paired.values()), 0)
    return RunDifference(
        ours=ours[1].name,
        theirs=theirs[1].name,
        headline=f"not paired: {why_not}" if why_not else f"paired on {n:,} test images",
        metrics=tuple(_rows(after, before, paired)),
        config=tuple(_differing(*settings)),
        data=tuple(_differing(*data)),
    )


def _paired(ours: Path, theirs: Path, level: float) -> tuple[dict[str, MetricRow], str]:
    from vitforge.gates.rivals import RESAMPLES, SEED, read_pair
    from vitforge.metrics.families import paired_differences
    from vitforge.statistics import Draws

    files = [_artifact(folder, "predictions", PREDICTIONS_FILE) for folder in (ours, theirs)]
    one, other, why_not = read_pair(*files)
    if why_not:
        return {}, f"the other run was {why_not}"
    rows = paired_differences(one, other, Draws(one.n, RESAMPLES, SEED), level)
    return {row.name: row for row in rows}, ""


def _rows(
    after: Metrics, before: Metrics, paired: Mapping[str, MetricRow]
) -> Iterator[MetricDifference]:
    keys = dict.fromkeys((row.name, row.slice) for row in (*after.rows, *before.rows))
    for name, slice_ in keys:
        one, other = after.row(name, slice_), before.row(name, slice_)
        ours, theirs = (row.value if row and row.n else None for row in (one, other))
        pair = paired.get(name) if slice_ == "all" else None
        difference = ours - theirs if ours is not None and theirs is not None else None
        yield MetricDifference(
            name=name,
            slice=slice_,
            ours=ours,
            theirs=theirs,
            difference=difference,
            low=pair.low if pair else None,
            high=pair.high if pair else None,
            n=pair.n if pair else 0,
        )


def _data(folder: Path) -> dict[str, Any]:
    info = DatasetInfo.load(_artifact(folder, "prepared", DATASET_FILE))
    told = {"name": info.name, "source": info.source, "task": info.task, "seed": info.seed}
    told |= {"fingerprint": info.fingerprint[:12], "classes": len(info.classes)}
    told |= {"dropped": len(info.dropped), "slices": ", ".join(info.slices)}
    return told | {f"{split} images": size for split, size in info.sizes.items()}


def _artifact(folder: Path, part: str, file: str) -> Path:
    path = find_artifact(folder, part, file)
    if path is None:
        raise VitforgeError(
            f"the run has no {part} yet",
            where=str(folder),
            mend="run its config again to go on with it",
        )
    return path


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and their values; lists stay whole."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else name)
    else:
        yield key, value


def _differing(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield key, one, other
