"""A trained model, ready to answer."""

from dataclasses import dataclass
from pathlib import Path

import torch

from vitforge.artifacts import ModelConfig, Preprocessing
from vitforge.backbones.checkpoint import load_checkpoint
from vitforge.backbones.interface import Backbone


@dataclass(frozen=True)
class Trained:
    """The model with its own record.

    Attributes:
        backbone: In evaluation mode, on `device`; it gives raw outputs.
        config: Task, classes and image size.
        preprocessing: How an image reaches it.
        device: A GPU when there is one.
    """

    backbone: Backbone
    config: ModelConfig
    preprocessing: Preprocessing
    device: torch.device


def load_trained(checkpoint: Path) -> Trained:
    """Load a checkpoint folder onto the device.

    Raises:
        VitforgeError: if a file is missing, or the weights do not fit.
    """
    backbone, config, preprocessing = load_checkpoint(checkpoint)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Trained(backbone.to(device).eval(), config, preprocessing, device)
