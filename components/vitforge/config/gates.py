"""Settings of `gate_model`."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.metric_names import unknown_metric
from vitforge.config.section import Fraction, Section


class Gate(Section):
    """One demand on one metric."""

    metric: str
    """A row of `metrics.json`, `parity.json` or `latency.json`, e.g. `top1` or `int8_drop`; a task
    that does not measure it is told so, and is not refused."""

    slice: str = "all"
    """Group, class, layer or condition that the row holds for, e.g. `site=north` or `fog`."""

    at_least: float | None = None
    """Smallest value that passes."""

    at_most: float | None = None
    """Largest value that passes."""

    judged_on: Literal["bound", "value"] = "bound"
    """`bound`: the whole interval must clear the threshold to pass, and must miss it to fail;
    between the two the answer is INCONCLUSIVE. `value`: the value alone decides."""

    blocks: bool = True
    """Whether FAIL refuses the model; `false` makes the gate an alarm, which is only told."""

    inconclusive_blocks: bool = False
    """Whether INCONCLUSIVE refuses the model."""

    why: str = ""
    """One sentence for the person who reads the refusal."""

    @model_validator(mode="after")
    def _one_threshold(self) -> "Gate":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"gate {self.metric!r} needs one of at_least and at_most")
        if self.inconclusive_blocks and not self.blocks:
            raise ValueError(
                f"gate {self.metric!r} is an alarm (blocks: false); leave inconclusive_blocks out"
            )
        return self


DEFAULT_RULES = (
    Gate(metric="top1", at_least=0.5, why="a model that is wrong every other time helps no one"),
    Gate(metric="auroc", at_least=0.6, why="labels must be told better than by a coin"),
    Gate(metric="r2", at_least=0.0, why="a model must beat always answering the mean"),
    Gate(metric="ece", at_most=0.15, why="confidence must mean something"),
    Gate(metric="fairness_gap", at_most=0.05, why="five points between groups are too many"),
    Gate(
        metric="shift_drop",
        at_most=0.10,
        blocks=False,
        why="a relative drop over 10 % is poor robustness: train with more augmentation",
    ),
    Gate(
        metric="dramatic_changes",
        at_most=0.10,
        blocks=False,
        why="predictions must not turn over for changes that nobody sees",
    ),
    Gate(
        metric="edge_files",
        at_least=1.0,
        judged_on="value",
        blocks=False,
        why="bad files must be refused with their cause, odd ones read",
    ),
    Gate(
        metric="attention_collapsed",
        at_most=0.5,
        judged_on="value",
        why="most layers look at the same few patches: train with a smaller learning rate",
    ),
    Gate(
        metric="attention_uniform",
        at_most=0.5,
        judged_on="value",
        blocks=False,
        why="most layers look everywhere alike",
    ),
    Gate(metric="memory_growth", at_most=1024.0, why="a server that leaks goes down in the end"),
    Gate(
        metric="latency_spikes",
        at_most=0.05,
        blocks=False,
        why="one inference in 20 takes over three times the median",
    ),
    Gate(
        metric="onnx_max_error", at_most=1e-3, judged_on="value", why="same weights, same answers"
    ),
    Gate(
        metric="int8_drop", at_most=0.01, judged_on="value", why="INT8 may cost one point of top-1"
    ),
)
"""The document's thresholds (10 %, 5 points, attention's diagnosis), and sound ones for the rest.
A latency that is good enough depends on the use: name it, e.g. `latency_p95_ms`."""


class GatesConfig(Section):
    """What a model must show before it may challenge the champion."""

    rules: tuple[Gate, ...] = DEFAULT_RULES
    """The demands; every one is judged, whatever the others say."""

    champion_margin: Fraction = 0.02
    """What a challenger may be worse than the champion by, judged on paired test images when the
    champion was tested on the same split: points of a share; of metrics in a unit of their own
    (NLL, MAE, RMSE) the same part of the champion's value. 0 demands a better one."""

    champion_margins: dict[str, float] = Field(default_factory=dict)
    """Other margins, by metric, in the metric's unit."""

    champion_slice_margin: Fraction = 0.10
    """Top-1 that a challenger may be worse by in any declared group of 30 images or more."""

    def unknown_metrics(self) -> list[str]:
        """What is wrong with the names of the rules' metrics, one sentence each."""
        names = [rule.metric for rule in self.rules] + list(self.champion_margins)
        return [told for name in names if (told := unknown_metric(name))]
