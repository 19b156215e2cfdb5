"""The one pass of the trained model over the test images."""

from pathlib import Path

import numpy as np

from vitforge.artifacts import TEST, ModelConfig
from vitforge.errors import VitforgeError
from vitforge.evaluation.predictions import Predictions
from vitforge.preprocessing import to_array
from vitforge.splits import open_split
from vitforge.tracking import StepRun


def predict(
    dataset: Path, checkpoint: Path, *, batch_size: int, run: StepRun
) -> tuple[Predictions, ModelConfig]:
    """Run the checkpoint once over the test split, on a GPU when there is one.

    Args:
        dataset: Folder of the dataset artifact.
        checkpoint: Folder of the checkpoint artifact.
        batch_size: Images a forward pass.
        run: Where progress is told.

    Returns:
        The predictions, in the split's order, and the model's own record.

    Raises:
        VitforgeError: if the split or the checkpoint cannot be read, or the model's answers have
            the wrong shape or are not finite.
    """
    import torch

    from vitforge.backbones.checkpoint import load_checkpoint

    split = open_split(dataset, TEST)
    model, config, preprocessing = load_checkpoint(checkpoint)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    answers = []
    with torch.inference_mode():
        for start in range(0, len(split), batch_size):
            images = split[start : start + batch_size]["image"]
            batch = np.stack([to_array(image, preprocessing) for image in images])
            logits = model(torch.from_numpy(batch).to(device)).float().cpu().numpy()
            _check_shape(logits.shape, (len(images), len(config.classes)))
            answers.append(logits)
            run.progress(min(start + batch_size, len(split)), len(split), "test images")
    columns = split.select_columns(["id", "label"])[:]
    logits_NC = np.concatenate(answers) if answers else np.empty((0, len(config.classes)), "f4")
    found = Predictions.of(
        tuple(columns["id"]), np.asarray(columns["label"], dtype=np.int64), logits_NC
    )
    return found, config


def _check_shape(found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise VitforgeError(
            f"the model answers with shape {found}, not {wanted} (images, classes)",
            mend="train the checkpoint again: vitforge run CONFIG --fresh",
        )
