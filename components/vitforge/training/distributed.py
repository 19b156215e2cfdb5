"""One training by several processes: which part each does, and how they agree.

`torchrun` starts the processes and tells each its place by environment variables. Every process
holds the same model and takes its share of each batch; gradients are averaged, so that the step is
the one that a single process would take with the whole batch.

Gradients are averaged when all of a process's parts of a batch are done, not while they are
computed as torch's DistributedDataParallel does: a process may then halve its parts when memory
runs out, and blocks may be frozen and freed between epochs, without the others waiting for ever.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from vitforge.errors import VitforgeError

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it gives up and torchrun starts all anew."""
BUCKET = 2**23
"""Numbers averaged at once: many small messages are slow, one large one doubles the memory."""


@dataclass(frozen=True)
class World:
    """The processes of one training, seen from one of them."""

    rank: int = 0
    """This process, from 0."""
    size: int = 1
    """Processes in all, on all nodes."""

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def share(self, count: int) -> NDArray[np.int64]:
        """Positions of a batch that this process takes; the parts are equal and cover it.

        A position goes with its mirror (0 with the last), so that mixing finds the same partners
        as in a single process.

        Raises:
            VitforgeError: if the batch cannot be split evenly.
        """
        if self.size == 1:
            return np.arange(count)
        if count % (2 * self.size):
            raise VitforgeError(
                f"a batch of {count} images cannot be split among {self.size} processes",
                where="finetuning.batch_size",
                mend=f"set finetuning.batch_size to a multiple of {2 * self.size}",
            )
        first = np.arange(count // 2)[self.rank :: self.size]
        return np.concatenate([first, count - 1 - first[::-1]])

    def average(self, *values: float) -> list[float]:
        """Means over all processes; every process gets the same ones."""
        if self.size == 1:
            return list(values)
        packed = torch.tensor(values, dtype=torch.float64, device=_device())
        dist.all_reduce(packed)
        return [float(value) for value in (packed / self.size).tolist()]

    def average_gradients(self, model: nn.Module) -> None:
        """Replace each weight's gradient by its mean over all processes."""
        if self.size == 1:
            return
        bucket: list[Tensor] = []
        for weight in model.parameters():
            if weight.grad is None:
                continue
            bucket.append(weight.grad)
            if sum(map(Tensor.numel, bucket)) >= BUCKET:
                self._average_in_place(bucket)
                bucket = []
        if bucket:
            self._average_in_place(bucket)

    def told(self, values: Tensor) -> Tensor:
        """The first process's tensor on all; the others' is of the same shape and kind."""
        if self.size == 1:
            return values
        said = values.to(_device())
        dist.broadcast(said, src=0)
        return said.to(values.device)

    def _average_in_place(self, tensors: Sequence[Tensor]) -> None:
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat / self.size, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


ALONE = World()
"""A training by one process."""


def started_by_torchrun() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def world(device: torch.device) -> Iterator[World]:
    """Join the processes that torchrun started; alone where it did not.

    Args:
        device: GPUs talk over NCCL, CPUs over Gloo.
    """
    if not started_by_torchrun():
        yield ALONE
        return
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"
