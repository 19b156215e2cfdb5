"""A trained backbone on disk: safetensors weights, what to build, how to prepare images."""

from pathlib import Path

import safetensors.torch

from vitforge.artifacts import (
    MODEL_FILE,
    PREPROCESSING_FILE,
    WEIGHTS_FILE,
    ModelConfig,
    Preprocessing,
    write_atomically,
)
from vitforge.backbones.build import build
from vitforge.backbones.interface import Backbone
from vitforge.errors import VitforgeError
from vitforge.tasks import output_count


def save_checkpoint(
    folder: Path, backbone: Backbone, config: ModelConfig, preprocessing: Preprocessing
) -> None:
    """Write weights, `config.json` and `preprocessing.json`, each whole or not at all.

    The weights go last: a folder with `model.safetensors` has everything.

    Args:
        folder: Made if missing.
        backbone: Its own spec, which needs no other file, takes the place of `config.backbone`.
        config: Classes and image size.
        preprocessing: How images reach the model.
    """
    config.model_copy(update={"backbone": backbone.spec}).save(folder / MODEL_FILE)
    preprocessing.save(folder / PREPROCESSING_FILE)
    state = {name: t.detach().cpu().contiguous() for name, t in backbone.model.state_dict().items()}
    write_atomically(folder / WEIGHTS_FILE, safetensors.torch.save(state))


def load_checkpoint(folder: Path) -> tuple[Backbone, ModelConfig, Preprocessing]:
    """Build the model of a checkpoint folder and load its weights, on the CPU, ready to predict.

    Raises:
        VitforgeError: if a file is missing, or the weights do not fit.
    """
    config = ModelConfig.load(folder / MODEL_FILE)
    preprocessing = Preprocessing.load(folder / PREPROCESSING_FILE)
    scratch = config.backbone.model_copy(update={"pretrained": False})
    outputs = output_count(config.task, len(config.classes))
    backbone = build(scratch, outputs, config.image_size)
    backbone.spec = config.backbone
    file = folder / WEIGHTS_FILE
    try:
        backbone.model.load_state_dict(safetensors.torch.load_file(file))
    except (FileNotFoundError, RuntimeError, safetensors.SafetensorError) as error:
        raise VitforgeError(
            f"the weights cannot be loaded: {error}",
            where=str(file),
            mend="train again: vitforge run CONFIG --fresh",
        ) from error
    return backbone.eval(), config, preprocessing
