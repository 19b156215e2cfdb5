"""Settings of what is done to images and model to see where they break."""

from pydantic import Field

from vitforge.config.section import AtLeastOne, Count, Section


class StressConfig(Section):
    """How much of the test split is put under stress; cost grows with every number here."""

    images: AtLeastOne = 96
    """Test images, drawn at random, that are corrupted and attacked, count."""

    severities: tuple[int, ...] = (1, 3, 5)
    """Severities of each corruption, 1 to 5 (arXiv:1903.12261 uses all five)."""

    drop_alarm: float = Field(default=0.10, gt=0.0, lt=1.0)
    """Relative drop of accuracy that raises an alarm, (0, 1)."""

    rollout_images: Count = 16
    """Test images with a rollout picture and a deletion test, count."""

    attack_images: AtLeastOne = 48
    """Test images that are attacked by gradient, count."""

    epsilons: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    """Largest change of a pixel in an attack, 255ths; 4 is the usual one of ImageNet."""

    attack_steps: AtLeastOne = 10
    """Steps of PGD and APGD, count (arXiv:1706.06083, arXiv:2003.01690)."""

    latency_runs: AtLeastOne = 200
    """Timed inferences of one image, count."""

    leak_inferences: AtLeastOne = 2000
    """Inferences during which memory is watched, count."""

    leak_alarm: float = Field(default=1024.0, gt=0.0)
    """Growth of memory that raises an alarm, bytes an inference."""
