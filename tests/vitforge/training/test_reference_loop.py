"""The engine against a plain loop written out here: the same weights after every step."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import FinetuningConfig
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job


def test_same_weights_as_a_plain_loop(
    train: ImageSet, how: Preprocessing, recipe: FinetuningConfig, tiny_spec: BackboneSpec
) -> None:
    epochs, batch, peak, low = 4, 16, 3e-3, 1e-6
    torch.manual_seed(0)
    ours = build(tiny_spec, 4)
    torch.manual_seed(0)
    plain = build(tiny_spec, 4)
    recipe = recipe.model_copy(update={"drop_path": 0.0, "clip_norm": 0.0, "weight_decay": 0.0})
    fit(ours, Job(train, None, 4, how, recipe, "full", epochs=epochs, seed=0))

    optimizer = torch.optim.AdamW(plain.parameters(), lr=peak, weight_decay=0.0)
    steps, step = epochs * 4, 0
    for epoch in range(1, epochs + 1):
        order = np.random.default_rng((0, epoch)).permutation(64)
        for at in range(4):
            warm = peak * (step + 1) / 4
            cosine = 0.5 * (1 + math.cos(math.pi * (step - 3) / (steps - 4)))
            optimizer.param_groups[0]["lr"] = warm if step < 4 else low + (peak - low) * cosine
            index = torch.from_numpy(order[at * batch : (at + 1) * batch])
            images = (train.pixels_NCHW[index].float() / 255 - 0.5) / 0.25
            loss = F.cross_entropy(plain(images), train.labels_N[index], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    for (name, mine), theirs in zip(ours.named_parameters(), plain.parameters(), strict=True):
        if not name.endswith("qkv.bias"):  # the key bias has no gradient but rounding's
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)
