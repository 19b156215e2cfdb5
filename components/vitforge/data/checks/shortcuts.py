"""Things beside the picture from which its label can be told."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.data.checks.finding import Examined, Finding

LEAST = 50
"""Images, below which chance alone finds shortcuts."""
GAIN = 0.3
"""Share of the mistakes of always saying the commonest label that knowing the thing saves."""
_BINS = 10


def check(data: Examined) -> Finding | None:
    """A warning, naming each; the model may learn it in place of the picture."""
    if data.raw.task not in ("single_label", "ordinal") or len(data.images) < LEAST:
        return None
    labels = data.images.raw.labels
    saved = {name: _saved(values, labels) for name, values in _things(data).items()}
    told = sorted(((gain, name) for name, gain in saved.items() if gain >= GAIN), reverse=True)
    if not told:
        return None
    named = ", ".join(f"{name} (saves {gain:.0%} of mistakes)" for gain, name in told)
    return Finding(
        "Shortcuts",
        "warning",
        len(told),
        f"the label can be told without looking at the picture, from {named}",
        "balance the classes over it, or compare the model on images where it does not hold",
        told[0][1],
    )


def _things(data: Examined) -> Mapping[str, Sequence[Hashable]]:
    images = data.images
    things: dict[str, Sequence[Hashable]] = {
        "the image size": list(zip(images.widths.tolist(), images.heights.tolist(), strict=True)),
        "the file format": images.kinds,
        "the brightness": _binned(images.brightness),
    }
    for name, values in sorted(images.raw.metadata.items()):
        try:
            numbers = [float(value) for value in values]
        except ValueError:
            things[f"the column {name!r}"] = values
        else:
            things[f"the column {name!r}"] = (
                _binned(np.array(numbers)) if len(set(numbers)) > _BINS else values
            )
    return things


def _binned(values: NDArray[np.float64]) -> list[int]:
    """The tenth of all values that each lies in."""
    cuts = np.sort(values)[[len(values) * step // _BINS for step in range(1, _BINS)]]
    bins: list[int] = np.searchsorted(cuts, values, side="right").tolist()
    return bins


def _saved(values: Sequence[Hashable], labels: Sequence[str]) -> float:
    """Share of mistakes saved by the commonest label among the *other* images of a value."""
    whole = Counter(labels)
    mistakes = len(labels) - max(whole.values())
    if not mistakes:
        return 0.0
    inside: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, labels, strict=True):
        inside[value][label] += 1
    left = 0
    for counts in inside.values():
        top = counts.most_common(2)
        for label, count in counts.items():
            # Without the image itself; a tie counts as a mistake.
            best = max((n for other, n in top if other != label), default=0)
            left += count if count - 1 <= best else 0
    return 1 - left / mistakes
