"""What surrounds a training: the changes to a model that last only while it is trained."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from vitforge.backbones import Backbone
from vitforge.training.attention_dropout import attention_dropout
from vitforge.training.head_dropout import head_dropout
from vitforge.training.job import Job
from vitforge.training.patch_dropout import patch_dropout
from vitforge.training.recompute import recomputed
from vitforge.training.stochastic_depth import stochastic_depth
from vitforge.training.threads import fitting_threads


def regularised(backbone: Backbone, job: Job) -> Iterator[AbstractContextManager[Any]]:
    """The contexts to train in, in the order to enter them.

    Raises:
        VitforgeError: if the backbone cannot do what the recipe asks for.
    """
    recipe = job.recipe
    yield fitting_threads(backbone.parameter_count, backbone.tokens, job.batch_size)
    yield stochastic_depth(backbone.blocks, recipe.drop_path)
    yield head_dropout(backbone.head, recipe.dropout)
    yield attention_dropout(backbone, recipe.attention_dropout)
    yield patch_dropout(backbone, recipe.patch_dropout)
    if recipe.gradient_checkpointing:
        yield recomputed(backbone.blocks)
    if recipe.smallest_size:
        yield backbone.any_size()
    if recipe.tf32 and torch.cuda.is_available():
        yield tf32()


@contextmanager
def tf32() -> Iterator[None]:
    """Let a GPU multiply fp32 matrices in TF32 while inside."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
