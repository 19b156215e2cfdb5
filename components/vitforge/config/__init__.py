"""The settings: one frozen section a step, and the whole they make up."""

from vitforge.config.data import DataConfig
from vitforge.config.deployment import DeploymentConfig
from vitforge.config.evaluation import EvaluationConfig
from vitforge.config.export import ExportConfig
from vitforge.config.finetuning import AugmentationConfig, DistillationConfig, FinetuningConfig
from vitforge.config.gates import Gate, GatesConfig
from vitforge.config.load import load_config, parse
from vitforge.config.pipeline import PipelineConfig, Strategy
from vitforge.config.registry import RegistryConfig
from vitforge.config.section import Section
from vitforge.config.selection import Candidate, SelectionConfig, Use

__all__ = [
    "AugmentationConfig",
    "Candidate",
    "DataConfig",
    "DeploymentConfig",
    "DistillationConfig",
    "EvaluationConfig",
    "ExportConfig",
    "FinetuningConfig",
    "Gate",
    "GatesConfig",
    "PipelineConfig",
    "RegistryConfig",
    "Section",
    "SelectionConfig",
    "Strategy",
    "Use",
    "load_config",
    "parse",
]
