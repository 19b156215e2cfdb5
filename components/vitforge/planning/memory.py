"""Training memory by formula: the document's, and one that counts what autograd keeps."""

from dataclasses import dataclass
from typing import Literal

from vitforge.config import Strategy
from vitforge.planning.batch import check_batch
from vitforge.planning.freezing import check_frozen_blocks
from vitforge.planning.geometry import Geometry

Precision = Literal["fp32", "bf16", "fp16"]
MB = 10**6
KEPT_A_TOKEN = 16
"""Numbers of width d that a block keeps for its backward pass, per token: the inputs of two norms
and their outputs (4), q, k, v (3), attention's output (1), the hidden layer of width 4d before and
after GELU (8)."""
MADE_BACKWARDS = 5
"""The same, made by the backward pass while all of that is still held: the gradients of a hidden
layer (4) and of the residual (1)."""
MADE_FORWARDS = 12
"""The same, alive in a block that keeps nothing: the hidden layer twice, q, k, v, the residual."""
HALF_SHARE = 0.62
"""Activations under bf16 autocast over fp32: products are kept in half, norms and residuals are
not."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Peak training memory, bytes."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """The sum of all four, as the document adds them."""
        return self.weights + self.gradients + self.optimizer + self.activations

    @property
    def peak(self) -> int:
        """The worst moment: gradients come as activations go, so the larger of the two counts."""
        return self.weights + self.optimizer + max(self.gradients, self.activations)


def document_memory(geometry: Geometry, batch: int) -> MemoryEstimate:
    """The document's formula, fp32.

    model = 4P; optimizer = 2 × model (AdamW's two moments); activations = B · N · d · L numbers of
    4 bytes. ViT-Base: 344 + 688 MB. Its example puts B = 32 at "about 1.5 GB"; the formula as
    printed gives 58 million numbers, 0.23 GB, for it counts one of the sixteen that a block keeps.
    Gradients are named in its sum and left out of its example; they are in here.

    Args:
        geometry: The ViT.
        batch: Images a forward pass.

    Raises:
        ConfigError: if the batch is under 1.
    """
    check_batch(batch)
    model = 4 * geometry.parameters
    numbers = batch * geometry.tokens * geometry.dim * geometry.depth
    return MemoryEstimate(model, model, 2 * model, 4 * numbers)


def estimate_memory(
    geometry: Geometry,
    batch: int,
    precision: Precision = "fp32",
    checkpointing: bool = False,
    strategy: Strategy = "full",
    frozen_blocks: int = 0,
    fused_attention: bool = True,
    lora_parameters: int = 0,
) -> MemoryEstimate:
    """Count what a training step holds.

    activations = (16 L + 5) · B · N · d · 4 bytes; without fused attention also B · H · N² · L · 4;
    with checkpointing one block's inner ones and the larger of all blocks' inputs and the
    gradients, which meet there. Blocks before the first trained one keep nothing. Weights,
    gradients and moments stay fp32 under autocast. `memory_measured` is exact; this is within
    a few percent of it for a plain ViT.

    Args:
        geometry: The ViT.
        batch: Images a forward pass; accumulated passes are not held together.
        precision: Of the forward pass.
        checkpointing: Recompute inside each block.
        strategy: `head` and `partial` keep less; `lora` trains `lora_parameters` and the head.
        frozen_blocks: For `partial`.
        fused_attention: Attention's N × N weights are never held (SDPA, Flash).
        lora_parameters: For `lora`.

    Raises:
        ConfigError: if the batch is under 1 or more blocks are frozen than there are.
    """
    check_batch(batch)
    check_frozen_blocks(frozen_blocks, geometry.depth)
    head, live = geometry.head_parameters, geometry.depth
    trained = geometry.parameters
    if strategy == "head":
        trained, live = head, 0
    elif strategy == "lora":
        trained = lora_parameters + head
    elif strategy == "partial":
        live = geometry.depth - frozen_blocks
        trained = live * geometry.block_parameters + 2 * geometry.dim + head
    bytes_each = 4.0 if precision == "fp32" else 4 * HALF_SHARE
    width = batch * geometry.tokens * geometry.dim * bytes_each
    block = KEPT_A_TOKEN * width
    if not fused_attention:
        block += batch * geometry.heads * geometry.tokens**2 * bytes_each
    if not live:
        activations = MADE_FORWARDS * width
    elif checkpointing:
        inputs = live * batch * geometry.tokens * geometry.dim * 4
        activations = block + MADE_BACKWARDS * width + max(inputs, 4 * trained)
    else:
        activations = live * block + MADE_BACKWARDS * width
    extra = lora_parameters if strategy == "lora" else 0
    return MemoryEstimate(
        4 * (geometry.parameters + extra), 4 * trained, 8 * trained, round(activations)
    )
