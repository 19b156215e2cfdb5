"""Exact peak training memory without allocating it: real steps on fake tensors."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vitforge.errors import ConfigError
from vitforge.planning.batch import check_batch
from vitforge.planning.memory import Precision

if TYPE_CHECKING:
    from torch import nn

Build = Callable[[], "nn.Module"]
"""Makes the classifier with `requires_grad` set as it will be trained. It is called inside
`torch.device("meta")`, so that nothing is allocated: no weights may be loaded."""


@dataclass(frozen=True)
class TrainingStep:
    """What one optimizer step does."""

    batch: int
    """Images a forward pass."""
    image_size: int
    """Height and width, pixels."""
    precision: Precision = "fp32"
    """Of autocast."""
    checkpointing: bool = False
    """Recompute each block's inner activations in the backward pass."""
    accumulation: int = 1
    """Forward passes an optimizer step; the gradients are then held during activations."""
    fused_attention: bool = True
    """SDPA, which never holds the N × N weights, in place of plain attention."""


@dataclass(frozen=True)
class MeasuredMemory:
    """Bytes that tensors hold at the worst moment of training."""

    peak: int
    weights: int
    """Parameters and buffers."""
    gradients: int
    optimizer: int
    """AdamW's two moments."""
    seconds: float
    """What the measurement took."""

    @property
    def activations(self) -> int:
        """What the peak holds beyond weights and moments: activations and gradients alive then."""
        return self.peak - self.weights - self.optimizer


def measure_peak(build: Build, step: TrainingStep) -> MeasuredMemory:
    """Run two whole steps, AdamW included, on tensors that have shapes and no content.

    Every storage that an operation makes is counted from its birth to its death, which is what an
    allocator sees, save its rounding, its fragmentation, and kernels' own workspace. The second
    step holds the optimizer's moments from its start on.

    Args:
        build: See `Build`.
        step: What to run.

    Returns:
        The peak in bytes. On a GPU add its context and the allocator's fragmentation.

    Raises:
        ConfigError: if the batch or accumulation is under 1, nothing is trained, or the model
            cannot take images of that size.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    from vitforge.planning.ledger import Ledger

    check_batch(step.batch)
    if step.accumulation < 1:
        raise ConfigError(f"accumulation over {step.accumulation} passes", mend="type 1 or more")
    started = time.perf_counter()
    with torch.device("meta"):
        model = build()
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ConfigError("no weight of the model is trained", mend="take strategy head or more")
    if step.checkpointing:
        switch_checkpointing_on(model)
    if not step.fused_attention:
        switch_fused_attention_off(model)
    with FakeTensorMode(allow_non_fake_inputs=True):
        model.to_empty(device="cpu").train()
        ledger = Ledger()
        with ledger:
            for tensor in (*model.parameters(), *model.buffers()):
                ledger.see(tensor.data)
            weights = ledger.now
            trained = [weight for weight in model.parameters() if weight.requires_grad]
            optimizer = torch.optim.AdamW(trained)
            try:
                for _ in range(2):
                    _one_step(model, optimizer, step)
            except (AssertionError, RuntimeError, ValueError) as error:
                raise ConfigError(
                    f"the backbone cannot take {step.image_size} pixels: "
                    f"{str(error).splitlines()[0]}",
                    mend="type the image size that the backbone was made for",
                ) from error
            moments = [
                value.untyped_storage().nbytes()
                for state in optimizer.state.values()
                for name, value in state.items()
                if name != "step"
            ]
            held = sum(weight.numel() * weight.element_size() for weight in trained)
    return MeasuredMemory(ledger.peak, weights, held, sum(moments), time.perf_counter() - started)


def largest_batch(
    build: Build, step: TrainingStep, limit: int, highest: int = 65536
) -> tuple[int, MeasuredMemory | None]:
    """The largest batch whose peak stays within `limit`, and that peak; (0, None) if none does.

    The peak grows nearly in line with the batch, so the next guess is read off the line through
    the last two measured ones; about five measurements.

    Args:
        build: See `Build`.
        step: Its `batch` is not used.
        limit: Bytes that tensors may hold.
        highest: Where to stop looking.
    """

    def measure(batch: int) -> MeasuredMemory:
        return measure_peak(build, replace(step, batch=batch))

    fits, best = 1, measure(1)
    if best.peak > limit:
        return 0, None
    too_large = highest + 1
    guess, other = 8, (1, best.peak)
    while too_large - fits > 1:
        guess = min(max(guess, fits + 1), too_large - 1)
        found = measure(guess)
        slope = (found.peak - other[1]) / (guess - other[0]) or 1.0
        other = (guess, found.peak)
        if found.peak <= limit:
            fits, best = guess, found
        else:
            too_large = guess
        guess = guess + int((limit - found.peak) // max(slope, 1.0))
    return fits, best


def switch_checkpointing_on(model: nn.Module) -> None:
    """Switch on the library's own gradient checkpointing.

    Raises:
        ConfigError: if the model has none.
    """
    modules: list[Any] = list(model.modules())
    for module in modules:
        if hasattr(module, "set_grad_checkpointing"):
            module.set_grad_checkpointing(True)
            return
        if hasattr(module, "gradient_checkpointing_enable"):
            module.gradient_checkpointing_enable({"use_reentrant": False})
            return
    raise ConfigError(
        "the backbone has no gradient checkpointing", mend="leave --checkpointing out"
    )


def switch_fused_attention_off(model: nn.Module) -> None:
    """Make attention hold its weights, as without SDPA or Flash."""
    modules: list[Any] = list(model.modules())
    for module in modules:
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
        if hasattr(module, "set_attn_implementation"):
            module.set_attn_implementation("eager")


def _one_step(model: nn.Module, optimizer: Any, step: TrainingStep) -> None:
    import torch
    from torch.nn import functional as F

    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(step.precision)
    # Two passes show all that more would: the gradients are there from the second on.
    for _ in range(min(2, step.accumulation)):
        images = torch.empty(step.batch, 3, step.image_size, step.image_size)
        labels = torch.empty(step.batch, dtype=torch.long)
        with torch.autocast("cpu", dtype=half) if half else nullcontext():
            logits = model(images)
        loss: Any = F.cross_entropy(logits.float(), labels)
        loss.backward()
        del logits, loss
    optimizer.step()
    optimizer.zero_grad()
