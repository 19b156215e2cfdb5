"""Forward and backward pass of a batch, in as many parts as memory needs."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vitforge.errors import VitforgeError
from vitforge.training.distributed import ALONE, World
from vitforge.training.feed import Batch
from vitforge.training.hardware import Precision, autocast
from vitforge.training.objectives import Objective

Blend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(inputs, outputs, summed loss) to the summed loss that is trained on."""


class Gradients:
    """Computes a batch's gradients and adds them to the weights' own.

    A part's loss is divided by the whole batch's weight, so that the parts' gradients add up to
    the batch's, whatever fits at once.

    Args:
        model: What turns a batch's inputs into outputs.
        objective: Loss of a task.
        scaler: Of fp16.
        precision: Arithmetic of the forward pass.
        micro_batch: Images at once, count; halved each time memory runs out.
        blend: Adds a teacher's part; None where there is no teacher.
        world: The processes that each compute a share of the batch.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        scaler: torch.amp.GradScaler,
        precision: Precision,
        micro_batch: int,
        blend: Blend | None = None,
        world: World = ALONE,
    ) -> None:
        self.model, self.micro_batch = model, micro_batch
        self._objective, self._scaler, self._precision = objective, scaler, precision
        self._blend, self._world = blend, world

    def compute(self, batch: Batch, optimizer: torch.optim.Optimizer) -> float:
        """Clear the gradients and compute the batch's.

        Returns:
            The batch's mean loss; no gradient was computed where it is no number.

        Raises:
            VitforgeError: if not even one image fits into memory.
        """
        # Of all processes: each of their sums is divided by the mean of their weights.
        (weight,) = self._world.average(self._objective.weight(batch.targets))
        (loss,) = self._world.average(self._of_share(batch, weight, optimizer))
        if math.isfinite(loss):
            self._world.average_gradients(self.model)
        return loss

    def _of_share(self, batch: Batch, weight: float, optimizer: torch.optim.Optimizer) -> float:
        while True:
            optimizer.zero_grad(set_to_none=True)
            torch.manual_seed(batch.seed)  # dropout and stochastic depth
            try:
                return self._in_parts(batch, weight)
            except torch.OutOfMemoryError as error:
                told = str(error).splitlines()[0]
            # Outside the handler, which would keep the failed pass's tensors alive.
            if self.micro_batch == 1:
                raise VitforgeError(
                    f"one image does not fit into memory: {told}",
                    where="finetuning.batch_size",
                    mend="set finetuning.gradient_checkpointing: true, a smaller image, or "
                    "strategy lora or head",
                )
            self.micro_batch = (min(self.micro_batch, len(batch.inputs)) + 1) // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _in_parts(self, batch: Batch, weight: float) -> float:
        parts = [
            self._part(inputs, targets, weight)
            for inputs, targets in zip(
                batch.inputs.split(self.micro_batch),
                batch.targets.split(self.micro_batch),
                strict=True,
            )
        ]
        return sum(parts)

    def _part(self, inputs: Tensor, targets: Tensor, weight: float) -> float:
        with autocast(self._precision, inputs.device):
            outputs = self.model(inputs)
        loss = self._objective.loss_sum(outputs, targets)
        if self._blend:
            loss = self._blend(inputs, outputs, loss)
        loss = loss / weight
        value = loss.item()
        if torch.isfinite(loss):
            torch.autograd.backward(self._scaler.scale(loss))
        return value
