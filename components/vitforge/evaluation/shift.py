"""Distribution shift: accuracy under corruptions and conditions, and in the data's own slices."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.corruptions import CORRUPTIONS, corrupt
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.stress import answer, drop_rows, score, share_row, stress_set
from vitforge.statistics import Dense, Draws, percentile_interval

NEEDS: Need = "model"
TASKS: Sequence[Task] = ("single_label", "multi_label", "ordinal")

ALEXNET_ERROR = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.922640,
    "defocus_blur": 0.819880, "glass_blur": 0.826268, "motion_blur": 0.785948,
    "zoom_blur": 0.798360, "snow": 0.866816, "frost": 0.826572, "fog": 0.819324,
    "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.717840, "jpeg_compression": 0.606500,
}  # fmt: skip
"""AlexNet's error on ImageNet-C, mean of five severities: what mCE is measured in."""
WHEN_AND_WHERE = frozenset(
    {"time", "date", "year", "month", "day", "season", "session", "site", "hospital", "location"}
    | {"country", "region", "camera", "device", "scanner", "weather", "condition"}
)
"""Slices that tell another time, place or condition, rather than another kind of person."""


def rows(context: Context) -> list[MetricRow]:
    """Measure the drop under every corruption, and in slices of time and place.

    `shift_accuracy` in slices `fog 3`; `shift_drop` in slices `fog`; `shift_drop` in `all`: mean
    of the 15 main ones; `shift_worst_drop`; `corruption_error` and `mce`; `slice_drop` in slices
    `site=north`. A drop over `stress.drop_alarm` says so in its note.
    """
    return [*corruption_rows(context), *slice_rows(context)]


def corruption_rows(context: Context) -> list[MetricRow]:
    """Rows of the corruptions."""
    stress, task = context.config.stress, context.found.task
    chosen = stress_set(context, stress.images)
    batch = context.config.batch_size
    clean = score(task, answer(context.trained, chosen.pixels, batch), chosen.labels)
    found = [share_row("shift_accuracy", clean, "clean", context)]
    means: dict[str, NDArray[np.float32]] = {}
    for done, name in enumerate(CORRUPTIONS, 1):
        scores = []
        for severity in stress.severities:
            worse = corrupt(chosen.pixels, name, severity, seed=context.seed)
            scores.append(score(task, answer(context.trained, worse, batch), chosen.labels))
            found.append(share_row("shift_accuracy", scores[-1], f"{name} {severity}", context))
        means[name] = np.mean(scores, axis=0, dtype=np.float32)
        context.progress(done, len(CORRUPTIONS), "corruptions")
    main = np.stack([means[name] for name in ALEXNET_ERROR], axis=1)
    how = f"severities {', '.join(map(str, stress.severities))}"
    drops = drop_rows("shift_drop", clean, {**means, "all": main.mean(1)}, context, how)
    drops = [mark(row, stress.drop_alarm) for row in drops]
    return [*found, *drops, *_worst(drops), *error_rows(main, context, how)]


def error_rows(main_NK: NDArray[np.float32], context: Context, how: str) -> list[MetricRow]:
    """Mean error of the 15, plain and, with all five severities, in AlexNet's errors: mCE.

    mCE is the mean over corruptions of the error over AlexNet's. With fewer severities it would
    not be the published number, so it is not told.

    Source: Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    weights = np.array(list(ALEXNET_ERROR.values()))
    count = len(weights)
    both = {
        "corruption_error": (np.full(count, 1 / count), f"mean error of {count} main corruptions"),
        "mce": (1 / weights / count, "error over AlexNet's on ImageNet-C; told of ImageNet alone"),
    }
    if set(context.config.stress.severities) != {1, 2, 3, 4, 5}:
        del both["mce"]
    errors = Dense(1 - main_NK)
    resamples, level = context.config.bootstrap, context.config.confidence_level
    drawn = Draws(len(main_NK), resamples, context.seed).means(errors) if resamples else None
    found = []
    for name, (weight, note) in both.items():
        low = high = None
        if drawn is not None:
            low, high = percentile_interval(drawn @ weight, level)
        found.append(
            MetricRow(
                name=name,
                value=float(errors.values.mean(0) @ weight),
                low=low,
                high=high,
                n=len(main_NK),
                note=f"{note}; {how}; bootstrap percentile",
            )
        )
    return found


def mark(row: MetricRow, limit: float) -> MetricRow:
    """The row, its note saying so where the drop is over the limit, and how sure that is."""
    if row.value <= limit:
        return row
    sure = row.low is not None and row.low > limit
    told = f"over the alarm at {limit:.0%}" if sure else f"over {limit:.0%}, not surely"
    return row.model_copy(update={"note": f"{told}; {row.note}"})


def _worst(drops: list[MetricRow]) -> list[MetricRow]:
    single = [row for row in drops if row.slice != "all"]
    if not single:
        return []
    worst = max(single, key=lambda row: row.value)
    note = f"the largest drop of {len(single)}, under {worst.slice}; {worst.note}"
    return [worst.model_copy(update={"name": "shift_worst_drop", "slice": "all", "note": note})]


def slice_rows(context: Context) -> list[MetricRow]:
    """Relative drop of accuracy at each time, place or condition against all others."""
    found = context.found
    scores = score(found.task, found.logits, found.labels)
    out = []
    for name, values in found.slices.items():
        if not WHEN_AND_WHERE & set(name.lower().split("_")):
            continue
        for value in sorted(set(values) - {""}):
            here, rest = values == value, (values != value) & (values != "")
            if not rest.any() or not scores[rest].any():
                continue
            low = high = None
            if context.config.bootstrap:
                inside, outside = (
                    context.draws.means(Dense(scores[:, None]), among)[:, 0]
                    for among in (here, rest)
                )
                with np.errstate(invalid="ignore", divide="ignore"):
                    ratio = 1 - inside / outside
                low, high = percentile_interval(
                    ratio[np.isfinite(ratio)], context.config.confidence_level
                )
            row = MetricRow(
                name="slice_drop", value=float(1 - scores[here].mean() / scores[rest].mean()),
                low=low, high=high, n=int(here.sum()), slice=f"{name}={value}",
                note=f"against {int(rest.sum())} images of other values; bootstrap percentile",
            )  # fmt: skip
            out.append(mark(row, context.config.stress.drop_alarm))
    return out
