"""A model's score on images that are not trained on."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vitforge.artifacts import Preprocessing
from vitforge.training.feed import VALIDATION_BATCH
from vitforge.training.hardware import Precision, autocast
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.objectives import Objective, Score
from vitforge.training.objectives.single_label import SingleLabel


@torch.inference_mode()
def predict(
    model: nn.Module, batches: Iterable[Tensor], device: torch.device, precision: Precision
) -> Tensor:
    """Outputs for all batches, float32, on the CPU; the model's mode is the caller's again."""
    was_training = model.training
    model.eval()
    outputs = []
    for inputs in batches:
        with autocast(precision, device):
            outputs.append(model(inputs).float().cpu())
    model.train(was_training)
    return torch.cat(outputs)


def validate(
    model: nn.Module,
    images: ImageSet,
    how: Preprocessing,
    *,
    device: torch.device,
    precision: Precision = "fp32",
    batch_size: int = VALIDATION_BATCH,
    objective: Objective | None = None,
) -> Score:
    """Score a model; without an objective as a classifier of one label an image."""
    parts = torch.split(images.pixels_NCHW, batch_size)
    batches = (normalise(to_unit(pixels.to(device)), how) for pixels in parts)
    outputs_NO = predict(model, batches, device, precision)
    objective = objective or SingleLabel(outputs_NO.shape[1])
    return objective.score(outputs_NO, images.labels_N)
