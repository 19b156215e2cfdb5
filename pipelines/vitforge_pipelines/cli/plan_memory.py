"""`vitforge plan memory`: what a training holds, and how long an epoch takes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitforge.errors import ConfigError
from vitforge_pipelines.cli.blueprint import (
    BackboneOption,
    ClassesOption,
    SizeOption,
    builder,
    on_meta,
)
from vitforge_pipelines.cli.device_table import read_device_table
from vitforge_pipelines.cli.planner import (
    PRECISIONS,
    STRATEGY_HELP,
    JsonOption,
    PlotOption,
    Told,
    answer,
    check_plot,
    errors_told,
    one_of,
    strategy_of,
)

if TYPE_CHECKING:
    from vitforge.planning.geometry import Geometry
    from vitforge.planning.memory import MemoryEstimate

GIB = 2**30


def memory(
    size: SizeOption = "base",
    backbone: BackboneOption = "",
    batch: Annotated[int, typer.Option(help="Images a forward pass.")] = 32,
    image_size: Annotated[int, typer.Option(help="Pixels; 0 takes the backbone's.")] = 0,
    classes: ClassesOption = 1000,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Recompute activations.")
    ] = False,
    accumulation: Annotated[int, typer.Option(help="Forward passes an optimizer step.")] = 1,
    plain_attention: Annotated[
        bool, typer.Option("--plain-attention", help="Without SDPA or Flash.")
    ] = False,
    strategy: Annotated[str, typer.Option(help=STRATEGY_HELP)] = "full",
    frozen_blocks: Annotated[int, typer.Option(help="For --strategy partial.")] = 0,
    lora_rank: Annotated[int, typer.Option(help="For --strategy lora.")] = 16,
    gpu: Annotated[
        float, typer.Option(help="GiB of the device: find the largest batch that fits.")
    ] = 0.0,
    device: Annotated[str, typer.Option(help="A device of the table, for time an epoch.")] = "",
    devices: Annotated[Path | None, typer.Option(help="A device table of your own, YAML.")] = None,
    images: Annotated[int, typer.Option(help="Training images, for time an epoch.")] = 0,
    correction: Annotated[
        float | None,
        typer.Option(help="Measured over expected time; left out, past runs in MLflow teach it."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Formulas only; needs --size.")] = False,
    plot: PlotOption = None,
    json_: JsonOption = False,
) -> None:
    """Peak training memory without a GPU, the largest batch that fits, and time an epoch.

    Two whole steps run on tensors that have shapes and no content: exact, save for a GPU's own
    context and fragmentation, for which a fifth of the device is left free.

    Examples:

        vitforge plan memory --size base --batch 32 --precision bf16 --checkpointing

        vitforge plan memory --backbone timm/swin_tiny_patch4_window7_224 --gpu 24

        vitforge plan memory --size small --device a100-40gb --images 50000 --precision bf16
    """
    with errors_told():
        from vitforge.planning.batch import check_batch
        from vitforge.planning.devices import USABLE, find_device
        from vitforge.planning.flops import count_forward_flops
        from vitforge.planning.freezing import check_frozen_blocks
        from vitforge.planning.geometry import named_geometry
        from vitforge.planning.memory import document_memory, estimate_memory
        from vitforge.planning.memory_measured import TrainingStep, largest_batch, measure_peak
        from vitforge.planning.speed import epoch_time, training_passes
        from vitforge_pipelines.cli.past import memory_correction, past_runs, speed_correction

        check_plot(plot)
        check_batch(batch)
        one_of(precision, PRECISIONS, "--precision")
        how = strategy_of(strategy)
        geometry = None if backbone else named_geometry(size, image_size or 224, classes=classes)
        if quick and geometry is None:
            raise ConfigError("formulas know plain ViTs only", mend="type --size base")
        if not gpu >= 0:
            raise ConfigError(f"a device of {gpu:g} GiB holds nothing", mend="type --gpu 24")
        if device and images < 1:
            raise ConfigError("time an epoch needs the images", mend="type --images 50000")
        chosen = find_device(device, read_device_table(devices)) if device else None
        told = Told()
        if geometry:
            check_frozen_blocks(frozen_blocks, geometry.depth)
            adapters = _adapters(geometry, lora_rank) if how == "lora" else 0
            better = estimate_memory(
                geometry,
                batch,
                precision,  # type: ignore[arg-type]
                checkpointing,
                how,
                frozen_blocks,
                not plain_attention,
                adapters,
            )
            document = document_memory(geometry, batch)
            told.add("formula", asdict(better) | {"peak": better.peak}, mib(better.peak))
            told.add("document", asdict(document) | {"total": document.total}, _say(document))
        if not quick:
            name = backbone or f"timm/vit_{size}_patch16_224"
            build = builder(name, classes, image_size, how, frozen_blocks, lora_rank)
            built = on_meta(build)
            step = TrainingStep(
                batch,
                built.image_size,
                one_of(precision, PRECISIONS, "--precision"),
                checkpointing,
                accumulation,
                not plain_attention,
            )
            found = measure_peak(build, step)
            measured = asdict(found) | {"activations": found.activations}
            told.add("measured", measured, f"{mib(found.peak)} at batch {batch}")
            runs = past_runs()
            learnt = memory_correction(runs)
            if learnt.runs:
                peak = round(found.peak * learnt.factor)
                told.add(
                    "corrected", asdict(learnt) | {"peak": peak}, f"{mib(peak)}, {learnt.said}"
                )
            told.lines.append(("weights", mib(found.weights)))
            told.lines.append(("AdamW", mib(found.optimizer)))
            told.lines.append(("activations and gradients", mib(found.activations)))
            limit = int(gpu * GIB * USABLE) if gpu or chosen is None else chosen.usable_bytes
            if limit:
                best, at = largest_batch(build, step, limit)
                fit = f"peak {mib(at.peak)}" if at else "not even one image fits"
                told.add("largest_batch", best, f"{best} in {limit / GIB:.1f} GiB, {fit}")
            flops = count_forward_flops(build, built.image_size)
            told.add("forward_flops", flops, f"{flops / 1e9:.2f} GFLOP an image")
            if chosen:
                depth = max(1, len(built.blocks))
                passes = training_passes(how, depth, frozen_blocks, checkpointing)
                speed = chosen.speed(step.precision)
                timed = speed_correction(runs, device, chosen, step.precision)
                factor = timed.factor if correction is None else correction
                made = epoch_time(flops, images, speed, passes, factor)
                rate = f"{made.images_per_second:,.0f} images a second, if the input keeps up"
                told.add("epoch", asdict(made), f"{made.seconds:,.0f} s, {rate}")
                told.lines += [("why", reason) for reason in made.reasons]
                if correction is None:
                    told.value["epoch"]["correction"] = asdict(timed)
                    told.lines.append(("past runs", timed.said))
            if plot:
                from vitforge_pipelines.cli.memory_plot import draw_memory

                draw_memory(build, step, plot)
        answer(json_, told.value, told.lines)


def mib(count: int) -> str:
    """Bytes, for people."""
    return f"{count / 2**20:,.0f} MiB"


def _say(document: MemoryEstimate) -> str:
    parts = {
        "model": document.weights,
        "optimizer": document.optimizer,
        "activations": document.activations,
        "gradients": document.gradients,
    }
    return " + ".join(f"{count / 1e6:,.0f} MB {name}" for name, count in parts.items()) + ", fp32"


def _adapters(geometry: Geometry, rank: int) -> int:
    from vitforge.planning.lora import geometry_shapes, plan_lora

    shapes, head = geometry_shapes(geometry), geometry.head_parameters
    return plan_lora(shapes, geometry.parameters, head, rank).adapter_parameters
