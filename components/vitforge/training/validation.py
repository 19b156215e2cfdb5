"""Loss and accuracy on images that are not trained on."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitforge.artifacts import Preprocessing
from vitforge.training.hardware import Precision, autocast
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit


@dataclass(frozen=True)
class Score:
    """How a model did.

    Attributes:
        loss: Mean cross entropy, nats.
        top1: Accuracy, [0, 1].
        correct_N: Whether each image was right, bool.
    """

    loss: float
    top1: float
    correct_N: Tensor


@torch.inference_mode()
def validate(
    model: nn.Module,
    images: ImageSet,
    how: Preprocessing,
    *,
    device: torch.device,
    precision: Precision = "fp32",
    batch_size: int = 128,
) -> Score:
    """Predict all images, without changing the model's mode for the caller."""
    was_training = model.training
    model.eval()
    logits = []
    for pixels in torch.split(images.pixels_NCHW, batch_size):
        with autocast(precision, device):
            logits.append(model(normalise(to_unit(pixels.to(device)), how)).float().cpu())
    model.train(was_training)
    logits_NK = torch.cat(logits)
    correct_N = logits_NK.argmax(dim=1) == images.labels_N
    return Score(
        loss=F.cross_entropy(logits_NK, images.labels_N).item(),
        top1=correct_N.double().mean().item(),
        correct_N=correct_N,
    )
