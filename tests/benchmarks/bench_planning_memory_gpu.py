"""Predicted peak memory against torch.cuda.max_memory_allocated, on a GPU.

    make bench NAME=planning_memory_gpu      about two minutes on a data-centre GPU

ViT-S, B and L × full, LoRA, frozen × fp32, bf16 × checkpointing off and on, batch 16 at 224
pixels. Prediction never touches the GPU: two steps on tensors without content. Measured are the
same two steps with AdamW on the device. Goal: within 10 % in every row.

`python tests/benchmarks/bench_planning_memory_gpu.py --cpu` runs small models through the same
code, and counts by torch's profiler what the CPU allocator held; it keeps nothing.
"""

import gc
import itertools
import sys
from collections.abc import Callable

import torch
from harness import keep
from torch import nn
from torch.nn import functional as F

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import build
from vitforge.config import FinetuningConfig, Strategy
from vitforge.planning.memory_measured import TrainingStep, measure_peak, switch_checkpointing_on
from vitforge.training.strategies import apply_strategy

GOAL = 0.10
BATCH, CLASSES = 16, 1000
SIZES = {"S": "vit_small_patch16_224", "B": "vit_base_patch16_224", "L": "vit_large_patch16_224"}
SMALL = {"tiny": {"img_size": 64, "patch_size": 8, "embed_dim": 96, "depth": 4, "num_heads": 3}}
STRATEGIES: tuple[Strategy, ...] = ("full", "lora", "partial")
PRECISIONS = ("fp32", "bf16")


def builder(name: str, args: dict, strategy: Strategy) -> Callable[[], nn.Module]:
    """Makes the model with random weights, as the engine would train it; half its blocks frozen."""
    spec = BackboneSpec(library="timm", name=name, args=args, pretrained=False, label="")

    def make() -> nn.Module:
        backbone = build(spec, CLASSES)
        half = len(backbone.blocks) // 2
        apply_strategy(backbone, strategy, FinetuningConfig(frozen_blocks=half))
        return backbone

    return make


def steps(make: Callable[[], nn.Module], step: TrainingStep, device: torch.device) -> None:
    """Two real steps."""
    model = make().to(device).train()
    if step.checkpointing:
        switch_checkpointing_on(model)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    images = torch.rand(step.batch, 3, step.image_size, step.image_size, device=device)
    labels = torch.zeros(step.batch, dtype=torch.int64, device=device)
    for _ in range(2):
        with torch.autocast(device.type, torch.bfloat16, enabled=step.precision == "bf16"):
            logits = model(images)
        F.cross_entropy(logits.float(), labels).backward()
        del logits
        optimizer.step()
        optimizer.zero_grad()


def cuda_peak(make: Callable[[], nn.Module], step: TrainingStep) -> int:
    """Bytes by the CUDA allocator, from an empty device on."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    steps(make, step, torch.device("cuda"))
    return torch.cuda.max_memory_allocated() - before


def cpu_peak(make: Callable[[], nn.Module], step: TrainingStep) -> int:
    """Bytes by the CPU allocator's own record of what it gave and took back."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        steps(make, step, torch.device("cpu"))
    now = peak = 0
    for event in sorted(
        (event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"),
        key=lambda event: event.start_ns(),
    ):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def main() -> None:
    """Measure every row and keep the table."""
    on_cpu = "--cpu" in sys.argv
    if not on_cpu and not torch.cuda.is_available():
        raise SystemExit("no CUDA device: run it where one is, or try it with --cpu")
    measure = cpu_peak if on_cpu else cuda_peak
    models = (
        {name: ("vit_tiny_patch16_224", args, 64, 8) for name, args in SMALL.items()}
        if on_cpu
        else {f"ViT-{size}": (name, {}, 224, BATCH) for size, name in SIZES.items()}
    )
    table = []
    for (
        label,
        (name, args, pixels, batch),
    ), strategy, precision, checkpointing in itertools.product(
        models.items(), STRATEGIES, PRECISIONS, (False, True)
    ):
        make = builder(name, args, strategy)
        step = TrainingStep(batch, pixels, precision, checkpointing)
        predicted, measured = measure_peak(make, step).peak, measure(make, step)
        row = {
            "model": label,
            "strategy": strategy,
            "precision": precision,
            "checkpointing": checkpointing,
            "predicted_mib": round(predicted / 2**20, 1),
            "measured_mib": round(measured / 2**20, 1),
            "error": round(predicted / measured - 1, 4),
        }
        table.append(row)
        print(row, flush=True)
    worst = max(abs(row["error"]) for row in table)
    if on_cpu:
        print(f"worst error {worst:.1%}")
        return
    keep(
        "planning_memory_gpu",
        ours=worst,
        peer=GOAL,
        goal="every row within 10 % of torch.cuda.max_memory_allocated",
        met=worst <= GOAL,
        unit="relative error",
        peer_name="limit",
        gpu=torch.cuda.get_device_name(),
        batch=BATCH,
        rows=table,
    )


if __name__ == "__main__":
    main()
