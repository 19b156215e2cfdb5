"""Where and with which arithmetic to train."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from vitforge.errors import VitforgeError

Precision = Literal["fp32", "bf16", "fp16"]


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """Resolve `auto` to a GPU where there is one.

    Raises:
        VitforgeError: if a GPU is demanded and none is there.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise VitforgeError(
            "no CUDA device is available",
            where="finetuning.device",
            mend="set finetuning.device: auto, or check the driver with nvidia-smi",
        )
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def choose_precision(
    wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device
) -> Precision:
    """Resolve `auto` to bf16 where the hardware computes it, else fp32.

    A CPU without bf16 instructions emulates them, ten times slower than fp32.

    Raises:
        VitforgeError: if fp16 is demanded on a CPU.
    """
    if wanted == "fp16" and device.type == "cpu":
        raise VitforgeError(
            "fp16 needs a GPU", where="finetuning.precision", mend="set precision: auto"
        )
    if wanted != "auto":
        return wanted
    return "bf16" if _has_bf16(device) else "fp32"


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        # Without emulation: a GPU before Ampere answers True otherwise.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """The forward pass's context."""
    if precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if precision == "bf16" else torch.float16
    return torch.autocast(device.type, dtype=dtype)
