"""A picture of the first batch as it was trained on."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from vitforge.artifacts import Preprocessing

ACROSS, DOWN = 8, 4
TILE = 112
CAPTION = 14
"""Pixels of a tile's side, and of the line under it."""


def draw_montage(
    images_NCHW: Tensor, captions: Sequence[str], how: Preprocessing, file: Path
) -> None:
    """Write the first images of a batch with a caption under each, as PNG.

    Args:
        images_NCHW: Augmented and normalised, as the model sees them.
        captions: One an image.
        how: Holds mean and standard deviation, to undo the normalisation.
        file: Written anew.
    """
    count = min(ACROSS * DOWN, len(images_NCHW))
    rows = -(-count // ACROSS)
    sheet = Image.new("RGB", (ACROSS * TILE, rows * (TILE + CAPTION)), "white")
    pen = ImageDraw.Draw(sheet)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (how.mean, how.std))
    pixels = (images_NCHW[:count].detach().float().cpu() * std + mean).clamp(0, 1)
    for at, image in enumerate((pixels * 255).round().byte().permute(0, 2, 3, 1).numpy()):
        x, y = at % ACROSS * TILE, at // ACROSS * (TILE + CAPTION)
        tile = Image.fromarray(image).resize((TILE - 4, TILE - 4), Image.Resampling.NEAREST)
        sheet.paste(tile, (x + 2, y + 2))
        pen.text((x + 3, y + TILE - 1), captions[at][:18], fill="black")
    sheet.save(file)


def name_targets(targets_NK: Tensor, classes: Sequence[str]) -> list[str]:
    """Captions of soft targets: the class, or both with their shares where two are mixed."""
    captions = []
    for row in targets_NK.detach().float().cpu():
        shares, at = row.topk(min(2, len(row)))
        first = classes[int(at[0])]
        # Smoothing spreads a little over all classes; a mixed-in image holds more.
        if len(shares) > 1 and shares[1] > 0.05 + float(row.min()):
            part = float(shares[0]) / float(shares.sum())
            first = f"{part:.0%} {first}, {classes[int(at[1])]}"
        captions.append(first)
    return captions
