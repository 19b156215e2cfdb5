"""Work of a forward pass, counted on fake tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitforge.planning.memory_measured import switch_fused_attention_off

if TYPE_CHECKING:
    from vitforge.planning.memory_measured import Build


def count_forward_flops(build: Build, image_size: int) -> int:
    """Multiplications and additions of one image's forward pass: products and convolutions.

    Args:
        build: Makes the classifier; called inside `torch.device("meta")`.
        image_size: Height and width, pixels.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = build()
    # The counter follows modules through autograd, and stumbles over tokens that want a gradient.
    model.requires_grad_(False)
    # Plain products are counted; the CPU's fused kernel is none of the counter's.
    switch_fused_attention_off(model)
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake, torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.to_empty(device="cpu").eval()
        model(torch.empty(1, 3, image_size, image_size))
    return int(counter.get_total_flops())
