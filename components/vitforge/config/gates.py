"""Settings of `gate_model`."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.section import Section


class Gate(Section):
    """One demand on one metric."""

    metric: str
    """A row of `metrics.json`, `parity.json` or `latency.json`, e.g. `top1` or `int8_drop`."""

    at_least: float | None = None
    """Smallest value that passes."""

    at_most: float | None = None
    """Largest value that passes."""

    judged_on: Literal["bound", "value"] = "bound"
    """`bound`: the whole interval must clear the threshold to pass, and must miss it to fail;
    between the two the answer is INCONCLUSIVE. `value`: the value alone decides."""

    inconclusive_blocks: bool = False
    """Whether INCONCLUSIVE refuses the model."""

    why: str = ""
    """One sentence for the person who reads the refusal."""

    @model_validator(mode="after")
    def _one_threshold(self) -> "Gate":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"gate {self.metric!r} needs one of at_least and at_most")
        return self


class GatesConfig(Section):
    """What a model must show before it may challenge the champion."""

    rules: tuple[Gate, ...] = (
        Gate(
            metric="top1", at_least=0.5, why="a model that is wrong every other time helps no one"
        ),
        Gate(metric="ece", at_most=0.15, why="confidence must mean something"),
        Gate(
            metric="onnx_max_error",
            at_most=1e-3,
            judged_on="value",
            why="same weights, same answers",
        ),
        Gate(
            metric="int8_drop",
            at_most=0.01,
            judged_on="value",
            why="INT8 may cost one point of top-1",
        ),
    )
    """The demands; every one is judged, whatever the others say."""

    champion_margin: float = Field(default=0.02, ge=0.0, le=1.0)
    """Top-1 that a challenger may be worse than the champion by, [0, 1]; judged on paired test
    images when the champion was tested on the same split."""
