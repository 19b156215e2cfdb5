"""Things beside the picture from which its label can be told."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

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
    labels = [image.raw.label for image in data.images]
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


def _things(data: Examined) -> Mapping[str, Sequence[str]]:
    looks = [image.look for image in data.images]
    things: dict[str, list[str]] = {
        "the image size": [f"{look.width}x{look.height}" for look in looks],
        "the file format": [look.kind for look in looks],
        "the brightness": _binned([look.brightness for look in looks]),
    }
    names = {name for image in data.images for name in image.raw.metadata or ()}
    for name in sorted(names):
        values = [(image.raw.metadata or {}).get(name, "") for image in data.images]
        try:
            numbers = [float(value) for value in values]
        except ValueError:
            things[f"the column {name!r}"] = values
        else:
            things[f"the column {name!r}"] = (
                _binned(numbers) if len(set(numbers)) > _BINS else values
            )
    return things


def _binned(values: Sequence[float]) -> list[str]:
    edges = sorted(values)
    cuts = [edges[len(edges) * step // _BINS] for step in range(1, _BINS)]
    return [str(sum(value >= cut for cut in cuts)) for value in values]


def _saved(values: Sequence[str], labels: Sequence[str]) -> float:
    """Share of mistakes saved by the commonest label among the *other* images of a value."""
    whole = Counter(labels)
    mistakes = len(labels) - max(whole.values())
    if not mistakes:
        return 0.0
    inside: dict[str, Counter[str]] = defaultdict(Counter)
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
