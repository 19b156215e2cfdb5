"""The whole config: the plain settings people change daily, and one section a step."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.data import DataConfig
from vitforge.config.deployment import DeploymentConfig
from vitforge.config.evaluation import EvaluationConfig
from vitforge.config.export import ExportConfig
from vitforge.config.finetuning import FinetuningConfig
from vitforge.config.gates import GatesConfig
from vitforge.config.registry import RegistryConfig
from vitforge.config.section import Section
from vitforge.config.selection import SelectionConfig

Strategy = Literal["full", "partial", "head", "lora"]


class PipelineConfig(Section):
    """Everything a run can be told; the compiled pipeline's parameters have the same names."""

    dataset: str = Field(default="digits", min_length=1)
    """`digits` (scikit-learn's, shipped), an image folder (class per folder), a manifest (CSV,
    Parquet, JSONL), WebDataset tars, a URL of one of these, or a hub id."""

    model_name: str = Field(default="vitforge-model", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Registered model that the version is filed under."""

    backbone: str = ""
    """Backbone to take without choosing; empty lets `select_model` choose among its candidates."""

    strategy: Strategy = "full"
    """`full`: all weights; `partial`: first blocks frozen; `head`: only the head; `lora`."""

    epochs: int = Field(default=10, ge=1)
    """Passes over the training images, count."""

    seed: int = Field(default=0, ge=0)
    """Seed of every random choice; the same seed gives the same metrics on the same machine."""

    data: DataConfig = DataConfig()
    selection: SelectionConfig = SelectionConfig()
    finetuning: FinetuningConfig = FinetuningConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    export: ExportConfig = ExportConfig()
    gates: GatesConfig = GatesConfig()
    registry: RegistryConfig = RegistryConfig()
    deployment: DeploymentConfig = DeploymentConfig()

    @model_validator(mode="after")
    def _check_across(self) -> "PipelineConfig":
        if self.finetuning.warmup_epochs >= self.epochs:
            raise ValueError(
                f"finetuning.warmup_epochs ({self.finetuning.warmup_epochs:g}) must be below "
                f"epochs ({self.epochs}); type finetuning.warmup_epochs={self.epochs / 5:g}"
            )
        if self.data.val_fraction + self.data.test_fraction > 0.8:
            raise ValueError("data.val_fraction + data.test_fraction leave under 20 % to train on")
        if self.strategy == "partial" and self.finetuning.frozen_blocks == 0:
            raise ValueError("strategy partial needs finetuning.frozen_blocks of 1 or more")
        return self
