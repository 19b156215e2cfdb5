"""The artifact `plan`: every choice resolved, with the numbers behind it."""

from typing import Any, Literal

from pydantic import Field

from vitforge.artifacts.record import ArtifactModel
from vitforge.config import FinetuningConfig, Strategy

PLAN_FILE = "plan.json"


class BackboneSpec(ArtifactModel):
    """A backbone, said in full: enough to build it again, here or elsewhere."""

    library: Literal["timm", "transformers"]
    name: str
    """Architecture or hub id, without the library's prefix; or a local folder."""
    args: dict[str, Any] = Field(default_factory=dict)
    pretrained: bool
    label: str

    @property
    def display(self) -> str:
        """What reports call it."""
        return self.label or f"{self.library}/{self.name}"


class CandidateResult(ArtifactModel):
    """One measured candidate."""

    name: str
    parameters: int
    image_size: int
    tokens: int
    latency_ms: float
    """Median milliseconds an image, batch 1, this machine."""
    train_ms: float
    """Milliseconds an image, forward and backward; 0 when no step was tried."""
    licence: str = ""
    """Of the weights, where it is known."""
    memory_mib: float | None = None
    """Most that tensors would hold in training, MiB, predicted; None when not asked for."""
    knn_top1: float | None = None
    """Accuracy of nearest neighbours on frozen features; None when not measured."""
    knn_low: float | None = None
    """Lower bound of its interval."""
    knn_high: float | None = None
    """Upper bound of its interval."""
    probe_top1: float | None = None
    """Cross-validated accuracy of a linear classifier on frozen features; None when not
    measured."""
    probe_low: float | None = None
    """Lower bound of its interval."""
    probe_high: float | None = None
    """Upper bound of its interval."""
    features_n: int = 0
    """Images that frozen features were judged on."""
    logme: float | None = None
    """LogME, nats an image and class; told, not ranked on."""
    features_file: str = ""
    """Where the frozen features lie in the plan's folder."""
    trial_top1: float | None = None
    """Accuracy after the short fine-tune; None when not measured."""
    low: float | None = None
    """Lower bound of the deciding accuracy's interval."""
    high: float | None = None
    """Upper bound of the deciding accuracy's interval."""
    n: int = 0
    """Images that the accuracy was measured on."""
    skipped: str = ""
    """Why it was not measured; empty when it was."""
    mend: str = ""
    """What would let it be measured."""


class Plan(ArtifactModel):
    """`plan.json`: every choice resolved, with the numbers behind it."""

    backbone: BackboneSpec
    strategy: Strategy
    epochs: int
    seed: int
    recipe: FinetuningConfig
    image_size: int
    candidates: tuple[CandidateResult, ...]
    reasons: tuple[str, ...]
    """Why this backbone, in sentences with numbers."""
    expected_seconds: float
    """Training time expected from the measured step."""
    runner_up: str = ""
    """The candidate that came second; empty where nothing was compared."""
    runner_up_because: str = ""
    """Why it was not taken."""
    predicted_memory_mib: float | None = None
    """Most that tensors will hold in training, MiB; None where it could not be predicted."""
