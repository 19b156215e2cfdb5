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

Strategy = Literal["full", "partial", "head", "lora", "lp_ft", "gradual"]


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
    """`full`: all weights; `partial`: first blocks frozen; `head`: only the head; `lora`: low-rank
    updates; `lp_ft`: the head first, then all; `gradual`: block after block, from the head down."""

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
        _check_strategy(self.strategy, self.epochs, self.finetuning)
        # An evaluator of one's own may name its metrics as it likes.
        if not self.evaluation.own and (unknown := self.gates.unknown_metrics()):
            raise ValueError(f"gates.rules: {'; '.join(unknown)}")
        return self


def _check_strategy(strategy: Strategy, epochs: int, recipe: FinetuningConfig) -> None:
    if strategy == "lp_ft":
        if recipe.probe_epochs == 0:
            raise ValueError(
                "strategy lp_ft needs finetuning.probe_epochs of 1 or more; type "
                f"finetuning.probe_epochs={max(1, epochs // 4)}"
            )
        if recipe.probe_epochs + recipe.warmup_epochs >= epochs:
            raise ValueError(
                f"finetuning.probe_epochs ({recipe.probe_epochs}) and warmup_epochs "
                f"({recipe.warmup_epochs:g}) leave nothing of the {epochs} epochs"
            )
    elif recipe.probe_epochs:
        raise ValueError("finetuning.probe_epochs is for strategy lp_ft; leave it out, or take it")
    if recipe.frozen_blocks and strategy != "partial":
        raise ValueError(
            f"finetuning.frozen_blocks has no effect with strategy {strategy}; take partial"
        )
    if strategy == "lora":
        for key, off in (("l2_sp", 0.0), ("layer_decay", 1.0)):
            if getattr(recipe, key) != off:
                raise ValueError(
                    f"finetuning.{key} is about pretrained weights, which strategy lora leaves "
                    f"fixed; type finetuning.{key}={off:g}"
                )
    elif recipe.lora_dora:
        raise ValueError("finetuning.lora_dora needs strategy lora")
    if strategy == "head" and recipe.gradient_checkpointing:
        raise ValueError("gradient_checkpointing saves nothing with strategy head; leave it out")
