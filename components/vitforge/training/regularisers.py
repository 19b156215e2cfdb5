"""What surrounds a training: the changes to a model that last only while it is trained."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from vitforge.backbones import Backbone
from vitforge.training.head_dropout import head_dropout
from vitforge.training.job import Job
from vitforge.training.stochastic_depth import stochastic_depth
from vitforge.training.threads import fitting_threads


def regularised(backbone: Backbone, job: Job) -> Iterator[AbstractContextManager[Any]]:
    """The contexts to train in, in the order to enter them."""
    recipe = job.recipe
    yield fitting_threads(backbone.parameter_count, backbone.tokens, job.batch_size)
    yield stochastic_depth(backbone.blocks, recipe.drop_path)
    yield head_dropout(backbone.head, recipe.dropout)
