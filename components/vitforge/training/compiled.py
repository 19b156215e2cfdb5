"""torch.compile, with the plain model to fall back on."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Compiled(nn.Module):
    """Runs a model compiled; from the first failure of the compiler on, as it is.

    Args:
        model: What to compile; its weights stay its own.
        say: Told why, where the compiler fails.
    """

    def __init__(self, model: nn.Module, say: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self.plain = model
        self._run: Callable[..., Any] = torch.compile(model)
        self._say = say
        self.failed = False

    def forward(self, *args: Any) -> Any:
        """The model's own answer."""
        if self.failed:
            return self.plain(*args)
        try:
            return self._run(*args)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # compilers fail in many ways; the plain model tells real faults
            answer = self.plain(*args)
            self.failed = True
            self._say(f"torch.compile failed ({type(error).__name__}); goes on without it")
            return answer
