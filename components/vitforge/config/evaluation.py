"""Settings of `evaluate_model`."""

from pydantic import Field

from vitforge.config.section import AtLeastOne, Count, Section
from vitforge.config.stress import StressConfig


class EvaluationConfig(Section):
    """What is measured on the held-out images."""

    batch_size: AtLeastOne = 128
    """Images a forward pass, count."""

    confidence_level: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Level of every interval, (0.5, 1)."""

    bootstrap: Count = 1000
    """Resamples behind intervals that have no closed form, count."""

    ece_bins: AtLeastOne = 15
    """Equal-width confidence bins of the calibration error, count (arXiv:1706.04599)."""

    reliable_confidence: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Confidence below which a prediction is called unreliable, (0, 1)."""

    specificity: float = Field(default=0.9, gt=0.0, lt=1.0)
    """Share of images without a label that its threshold must leave uncalled, (0, 1)."""

    gap_alarm: float = Field(default=0.05, gt=0.0, lt=1.0)
    """Gap between groups that raises an alarm, (0, 1): 0.05 is five points."""

    min_group: AtLeastOne = 30
    """Fewest test images of a group that is held against others, count."""

    healthy_label: str = ""
    """The class or label that means nothing was found; groups are then held against each other
    by how often the ill are called healthy. Empty where there is none."""

    extra_metrics: tuple[str, ...] = ()
    """Hugging Face `evaluate` metrics to add: hub ids or local folders."""

    own: tuple[str, ...] = ()
    """Python files with evaluators of one's own, run after all others."""

    stress: StressConfig = StressConfig()
    """How far images and model are put under stress."""

    skip: tuple[str, ...] = ()
    """Evaluators to leave out, by name."""
