"""bf16 only where the hardware computes it."""

import pytest
import torch

from vitforge.errors import VitforgeError
from vitforge.training import hardware


@pytest.mark.parametrize(("there", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_on_cpu(monkeypatch: pytest.MonkeyPatch, there: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: there)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert hardware.choose_precision("auto", torch.device("cpu")) == expected
    assert hardware.choose_precision("fp32", torch.device("cpu")) == "fp32"


def test_a_torch_without_the_checks_takes_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert hardware.choose_precision("auto", torch.device("cpu")) == "fp32"


def test_demands_that_cannot_be_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware.choose_device("auto").type == "cpu"
    with pytest.raises(VitforgeError, match="CUDA"):
        hardware.choose_device("cuda")
    with pytest.raises(VitforgeError, match="fp16"):
        hardware.choose_precision("fp16", torch.device("cpu"))
