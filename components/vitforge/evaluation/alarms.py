"""Which numbers call for attention: the document's thresholds, on the sure side of the interval."""

from collections.abc import Iterable
from dataclasses import dataclass

from vitforge.artifacts import MetricRow
from vitforge.config.stress import StressConfig


@dataclass(frozen=True)
class Alarm:
    """A number surely over its limit."""

    kind: str
    """`shift`, `adversarial`, `attention`, `memory` or `files`."""
    row: MetricRow
    limit: float


def alarms(rows: Iterable[MetricRow], stress: StressConfig) -> list[Alarm]:
    """The alarms that the rows of the stress evaluators raise.

    A value without an interval is judged itself. Attention alarms when more than half of the
    layers have collapsed, or are uniform; files when one is not treated as it must be.
    """
    limits = {
        "shift_drop": ("shift", stress.drop_alarm),
        "slice_drop": ("shift", stress.drop_alarm),
        "dramatic_changes": ("adversarial", stress.drop_alarm),
        "attention_collapsed": ("attention", 0.5),
        "attention_uniform": ("attention", 0.5),
        "memory_growth": ("memory", stress.leak_alarm),
    }
    found = []
    for row in rows:
        if row.name == "edge_file" and row.value < 1:
            found.append(Alarm("files", row, 1.0))
        if row.name not in limits:
            continue
        kind, limit = limits[row.name]
        # Layers are all there are, not a sample of layers: their share is judged itself.
        bound = row.low if row.low is not None and kind != "attention" else row.value
        if bound > limit:
            found.append(Alarm(kind, row, limit))
    return found
