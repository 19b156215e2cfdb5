"""Attention quality: entropy and diversity of the heads, layer by layer, and what they say."""

import math
from collections.abc import Sequence

import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.evaluation.attention_columns import from_columns
from vitforge.evaluation.attention_watch import AttentionStatistics, LayerStatistics
from vitforge.evaluation.evaluator import EVERY_TASK, Context, Need
from vitforge.planning.attention import Verdict, judge_attention
from vitforge.statistics import Dense, Draws, percentile_interval, proportion_interval

NEEDS: Need = "predictions"
TASKS = EVERY_TASK


def rows(context: Context) -> list[MetricRow]:
    """Rows of every layer and head, and of the whole model, as the clean pass saw them; none
    where nothing attends.

    `attention_entropy` (nats), `attention_entropy_share` (of ln T), `attention_diversity` (over
    distinct pairs) and `attention_diversity_raw` (as printed) in the slices `layer 1`, ...;
    `attention_entropy` also in `layer 1 head 1`, ...; `attention_good`, `attention_collapsed` and
    `attention_uniform`, shares of layers so diagnosed, in `all`.
    """
    found = from_columns(context.found.columns)
    if not found.layers:
        return []
    return statistics_rows(
        found,
        level=context.config.confidence_level,
        resamples=context.config.bootstrap,
        seed=context.seed,
    )


def diagnose(layer: LayerStatistics) -> tuple[Verdict, str]:
    """The document's bands, scaled to the layer's tokens, applied to its means."""
    return judge_attention(
        float(layer.entropy_NH.mean()),
        float(layer.normalised_diversity.mean()),
        tokens=layer.tokens,
        heads=layer.heads,
    )


def statistics_rows(
    found: AttentionStatistics, *, level: float, resamples: int, seed: int
) -> list[MetricRow]:
    """The rows of a pass; see `rows`."""
    told: list[MetricRow] = []
    verdicts = [diagnose(layer) for layer in found.layers]
    for place, (layer, verdict) in enumerate(zip(found.layers, verdicts, strict=True), 1):
        told += _layer_rows(layer, place, verdict, level, resamples, seed)
    names = [verdict for verdict, _ in verdicts]
    n = len(found.layers[0].entropy_NH) if found.layers else 0
    return told + [_share_row(f"attention_{name}", names, kind, n, level) for name, kind in _SHARES]


_SHARES: tuple[tuple[str, Verdict], ...] = (
    ("good", "good"),
    ("collapsed", "collapse"),
    ("uniform", "uniform"),
)


def _layer_rows(
    layer: LayerStatistics,
    place: int,
    verdict: tuple[Verdict, str],
    level: float,
    resamples: int,
    seed: int,
) -> list[MetricRow]:
    entropy_NH = layer.entropy_NH.double().numpy()
    n = len(entropy_NH)
    columns = {
        "attention_entropy": entropy_NH.mean(1),
        "attention_entropy_share": entropy_NH.mean(1) / math.log(layer.tokens),
        "attention_diversity": layer.normalised_diversity.double().numpy(),
        "attention_diversity_raw": layer.diversity.double().numpy(),
    }
    stacked = Dense(np.stack(list(columns.values()), axis=1).astype(np.float32))
    drawn = Draws(n, resamples, seed).means(stacked) if resamples else None
    note = f"{verdict[0]}: {verdict[1]}; {layer.tokens} tokens; bootstrap percentile over images"
    found = []
    for k, (name, column) in enumerate(columns.items()):
        low, high = (None, None) if drawn is None else percentile_interval(drawn[:, k], level)
        row = MetricRow(name=name, value=float(column.mean()), low=low, high=high, n=n, note=note)
        found.append(row.model_copy(update={"slice": f"layer {place}"}))
    told = "nats, mean over images and queries; no interval: the layer's row has one"
    return found + [
        MetricRow(
            name="attention_entropy",
            value=float(mean),
            n=n,
            slice=f"layer {place} head {head}",
            note=told,
        )
        for head, mean in enumerate(entropy_NH.mean(0), 1)
    ]


def _share_row(name: str, verdicts: Sequence[str], wanted: str, n: int, level: float) -> MetricRow:
    layers = [place for place, verdict in enumerate(verdicts, 1) if verdict == wanted]
    low, high = proportion_interval(len(layers), len(verdicts), level)
    told = f"layers {', '.join(map(str, layers))}" if layers else "no layer"
    return MetricRow(
        name=name,
        value=len(layers) / len(verdicts) if verdicts else 0.0,
        low=low,
        high=high,
        n=n,
        note=f"share of {len(verdicts)} layers ({told}); Wilson score interval over layers",
    )
