"""The challenger against the champion, on the images that both were tested on."""

import os
import tempfile
from pathlib import Path

import numpy as np

from vitforge.artifacts import PREDICTIONS_FILE, GateRow
from vitforge.errors import VitforgeError
from vitforge.gates.decide import images_needed, judge_interval
from vitforge.gates.paired import difference_interval, mcnemar_p

METRIC = "top1_vs_champion"


def compare_with_champion(
    predictions: Path, *, model_name: str, margin: float, level: float
) -> tuple[str, GateRow | None]:
    """Judge whether the model is not inferior to the champion.

    Args:
        predictions: Folder of the challenger's predictions artifact.
        model_name: The registered model.
        margin: Top-1 that the challenger may be worse by, [0, 1].
        level: Confidence level of the interval.

    Returns:
        The champion's version and the judgement; an empty version and None without a tracking
        server or without a champion, an empty version where the champion cannot be read.

    Raises:
        VitforgeError: if the tracking server that is named does not answer.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        return "", None
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
        except VitforgeError as error:
            # A champion whose evidence is gone must not stop every later training.
            return "", _undecided(margin, f"the champion cannot be read: {error.cause}")
        if champion is None:
            return "", None
        version, file = champion
        return version, compare(predictions / PREDICTIONS_FILE, file, version, margin, level)


def compare(challenger: Path, champion: Path, version: str, margin: float, level: float) -> GateRow:
    """Judge two prediction files image by image.

    PASS when the interval of the difference in top-1 lies above `-margin`, FAIL when it lies
    below, INCONCLUSIVE between the two or when the test images are not the same.
    """
    ours, theirs = _read(challenger), _read(champion)
    if {k: label for k, (label, _) in ours.items()} != {
        k: label for k, (label, _) in theirs.items()
    }:
        shared = len(ours.keys() & theirs.keys())
        return _undecided(
            margin,
            f"not comparable: version {version} was tested on other images or labels "
            f"({shared:,} of {len(ours):,} ids in common); run it on this split to compare",
        )
    right = np.array([(ours[k][1], theirs[k][1]) for k in ours])
    gained = int((right[:, 0] & ~right[:, 1]).sum())
    lost = int((~right[:, 0] & right[:, 1]).sum())
    n = len(right)
    value = (gained - lost) / n
    low, high = difference_interval(gained, lost, n, level)
    outcome = judge_interval(low, high, -margin, None)
    p = mcnemar_p(gained, lost)
    surely = p < 1 - level
    told = (
        "better" if surely and value > 0 else "worse" if surely else "no difference beyond chance"
    )
    evidence = (
        f"{PREDICTIONS_FILE} of both: {gained} images gained and {lost} lost against version "
        f"{version} of {n:,}; {told} (exact McNemar p = {p:.3g})"
    )
    if outcome == "INCONCLUSIVE":
        needed = images_needed(value, low if value > -margin else high, -margin, n)
        if needed:
            evidence += f"; about {needed:,} images would decide it, were the difference to stay"
    return GateRow(
        metric=METRIC,
        outcome=outcome,
        value=value,
        low=low,
        high=high,
        n=n,
        threshold=f">= {-margin:g}",
        blocks=outcome == "FAIL",
        evidence=evidence,
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
    )


def _read(file: Path) -> dict[str, tuple[int, bool]]:
    """Label, and whether it was predicted, of every image by its id."""
    import pyarrow.parquet

    columns = pyarrow.parquet.read_table(file, columns=["id", "label", "prediction"]).to_pydict()
    return {
        id_: (label, label == prediction)
        for id_, label, prediction in zip(
            columns["id"], columns["label"], columns["prediction"], strict=True
        )
    }
