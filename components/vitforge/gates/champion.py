"""The challenger against the champion, on the images that both were tested on."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vitforge.artifacts import PREDICTIONS_FILE, GateRow
from vitforge.config import GatesConfig
from vitforge.errors import VitforgeError
from vitforge.gates.decide import judge_interval, what_would_decide
from vitforge.gates.paired import difference_interval, mcnemar_p
from vitforge.gates.rivals import OWN_UNIT, advantages, by_group, lost_and_gained, read_pair
from vitforge.metrics.predictions import Predictions

SUFFIX = "_vs_champion"
METRIC = f"top1{SUFFIX}"


def compare_with_champion(
    predictions: Path, *, model_name: str, config: GatesConfig, level: float
) -> tuple[str, list[GateRow]]:
    """Judge whether the model is not inferior to the champion.

    Args:
        predictions: Folder of the challenger's predictions artifact.
        model_name: The registered model.
        config: Margins, and the rules whose metrics are compared.
        level: Confidence level of the intervals.

    Returns:
        The champion's version and the judgements; an empty version and none without a tracking
        server or without a champion, an empty version where the champion cannot be read.

    Raises:
        VitforgeError: if the tracking server that is named does not answer.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        return "", []
    from vitforge.registry import champion_predictions
    from vitforge.tracking.client import is_reachable

    if not is_reachable(uri):
        # A verdict without the champion would be kept, and let the version challenge it unjudged.
        raise VitforgeError(
            "the MLflow server does not answer, so the champion is unknown",
            where=uri,
            mend="start it, or set MLFLOW_TRACKING_URI to one that runs; then run it again",
        )

    with tempfile.TemporaryDirectory(prefix="vitforge-champion-") as folder:
        try:
            champion = champion_predictions(model_name, Path(folder) / "champion")
            if champion is None:
                return "", []
            version, file = champion
            return version, compare(predictions / PREDICTIONS_FILE, file, version, config, level)
        except VitforgeError as error:
            # A champion whose evidence is gone must not stop every later training.
            told = f"the champion cannot be read: {error.cause}"
            return "", [_undecided(config.champion_margin, told)]


def compare(
    challenger: Path, champion: Path, version: str, config: GatesConfig, level: float
) -> list[GateRow]:
    """Judge two prediction files image by image, metric by metric and group by group.

    PASS when the interval of the advantage lies above minus the margin, FAIL when it lies below,
    INCONCLUSIVE between the two or when the test images are not the same. A challenger is called
    not inferior only where every row passes, so the chance of a wrong call is at most that of
    one row (intersection-union test).

    Source: Berger & Hsu 1996, https://doi.org/10.1214/ss/1032280304
    """
    ours, theirs, why_not = read_pair(challenger, champion)
    if why_not:
        told = f"not comparable: version {version} was {why_not}; run it on this split to compare"
        return [_undecided(_margin(config, "top1", 1.0), told)]
    rows: list[GateRow] = []
    if ours.task in ("single_label", "ordinal"):
        rows.append(_top1(ours, theirs, version, _margin(config, "top1", 1.0), level))
    rows += _metrics(ours, theirs, version, config, level)
    if ours.task in ("single_label", "ordinal"):
        rows += _groups(ours, theirs, version, config.champion_slice_margin, level)
    return rows


def _top1(
    ours: Predictions, theirs: Predictions, version: str, margin: float, level: float
) -> GateRow:
    lost, gained = lost_and_gained(ours, theirs)
    value = (gained - lost) / ours.n
    low, high = difference_interval(gained, lost, ours.n, level)
    p = mcnemar_p(gained, lost)
    surely = p < 1 - level
    told = (
        "better" if surely and value > 0 else "worse" if surely else "no difference beyond chance"
    )
    evidence = (
        f"{PREDICTIONS_FILE} of both: {gained} images gained and {lost} lost against version "
        f"{version} of {ours.n:,}; {told} (exact McNemar p = {p:.3g})"
    )
    return _row(METRIC, "all", value, low, high, ours.n, margin, evidence)


def _metrics(
    ours: Predictions, theirs: Predictions, version: str, config: GatesConfig, level: float
) -> Iterator[GateRow]:
    """Every other gated metric, and `top1`'s kin where a margin is named."""
    wanted = {rule.metric for rule in config.rules if rule.slice == "all"}
    wanted = (wanted | set(config.champion_margins)) - {"top1"}
    for row, before in advantages(ours, theirs, wanted, level):
        assert row.low is not None and row.high is not None
        margin = _margin(config, row.name, before)
        evidence = (
            f"{PREDICTIONS_FILE} of both: the advantage over version {version}, which has "
            f"{before:.4g}; {row.note.removeprefix('difference; ')}"
        )
        yield _row(row.name + SUFFIX, "all", row.value, row.low, row.high, row.n, margin, evidence)


def _groups(
    ours: Predictions, theirs: Predictions, version: str, margin: float, level: float
) -> Iterator[GateRow]:
    """The group that fares worst; FAIL only where one is surely worse, among so many."""
    found = by_group(ours, theirs)
    if not found:
        return
    shared = 1 - (1 - level) / len(found)
    intervals = {name: difference_interval(g, lo, n, shared) for name, n, lo, g in found}
    name, n, lost, gained = min(found, key=lambda group: intervals[group[0]][0])
    low, high = intervals[name]
    surely = [other for other, (_, top) in intervals.items() if top < -margin]
    if surely and name not in surely:
        name, n, lost, gained = next(group for group in found if group[0] in surely)
        low, high = intervals[name]
    evidence = (
        f"{PREDICTIONS_FILE} of both: the weakest of {len(found)} groups, {gained} images gained "
        f"and {lost} lost against version {version}; interval at {shared:.2%} for so many groups"
    )
    yield _row(METRIC, name, (gained - lost) / n, low, high, n, margin, evidence)


def _margin(config: GatesConfig, metric: str, champion: float) -> float:
    """What the metric may be worse by, in its unit."""
    own = config.champion_margins.get(metric)
    if own is not None:
        return own
    return config.champion_margin * (abs(champion) if metric in OWN_UNIT else 1.0)


def _row(
    metric: str,
    slice_: str,
    value: float,
    low: float,
    high: float,
    n: int,
    margin: float,
    evidence: str,
) -> GateRow:
    outcome = judge_interval(low, high, -margin, None)
    change = f"would no longer pass with an interval from below {-margin:.3g}"
    if outcome == "INCONCLUSIVE":
        change = what_would_decide(value, low, high, -margin, n)
    elif outcome == "FAIL":
        change = f"worse by {-value:.3g}, and {margin:.3g} is allowed"
    return GateRow(
        metric=metric,
        slice=slice_,
        outcome=outcome,
        value=value,
        low=low,
        high=high,
        n=n,
        threshold=f">= {-margin:.3g}",
        blocks=outcome == "FAIL",
        evidence=evidence,
        change=change,
    )


def _undecided(margin: float, evidence: str) -> GateRow:
    return GateRow(
        metric=METRIC,
        outcome="INCONCLUSIVE",
        value=None,
        low=None,
        high=None,
        n=0,
        threshold=f">= {-margin:g}",
        blocks=False,
        evidence=evidence,
        change="the same test images for both",
    )
