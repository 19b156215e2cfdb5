"""Forward and backward pass of a batch, in as many parts as memory needs."""

import math

import torch
from torch import Tensor, nn

from vitforge.errors import VitforgeError
from vitforge.training.distillation import Teacher
from vitforge.training.distributed import ALONE, World
from vitforge.training.feed import Batch
from vitforge.training.hardware import Precision, autocast
from vitforge.training.job import Job
from vitforge.training.objectives import Objective


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
        teacher: Adds its part to the loss; None where there is none.
        world: The processes that each compute a share of the batch.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        scaler: torch.amp.GradScaler,
        precision: Precision,
        micro_batch: int,
        teacher: Teacher | None = None,
        world: World = ALONE,
    ) -> None:
        self.model, self.micro_batch = model, micro_batch
        self._objective, self._scaler, self._precision = objective, scaler, precision
        self._teacher, self._world = teacher, world

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
            _seed(batch)
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
                torch.split(batch.inputs, self.micro_batch),
                torch.split(batch.targets, self.micro_batch),
                strict=True,
            )
        ]
        return sum(parts)

    def _part(self, inputs: Tensor, targets: Tensor, weight: float) -> float:
        with autocast(self._precision, inputs.device):
            outputs = self.model(inputs)
        loss_sum = self._objective.loss_sum
        if self._teacher:
            loss = self._teacher.blend(loss_sum, inputs, outputs, targets) / weight
        else:
            loss = loss_sum(outputs, targets) / weight
        value = loss.item()
        if torch.isfinite(loss):
            torch.autograd.backward(self._scaler.scale(loss))
        return value


def _seed(batch: Batch) -> None:
    """Seed dropout and stochastic depth.

    Not by `torch.manual_seed`: without a GPU in use it keeps a stack trace for every kind of
    device, each time.
    """
    torch.default_generator.manual_seed(batch.seed)
    if batch.inputs.is_cuda:
        torch.cuda.manual_seed(batch.seed)


def not_a_number(job: Job, step: int, loss: float, batch: Batch) -> VitforgeError:
    """What to raise where a step's loss is no number; `step` counts from 0."""
    ids = [job.train.ids[i] for i in batch.index_B.tolist()]
    return VitforgeError(
        f"the loss became {loss} in step {step + 1} of {job.total_steps}",
        where="images " + ", ".join(ids),
        mend="lower finetuning.learning_rate, or set finetuning.precision: fp32",
    )
