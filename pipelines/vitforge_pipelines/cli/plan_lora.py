"""`vitforge plan lora`: what a rank costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from vitforge_pipelines.cli.blueprint import (
    BackboneOption,
    ClassesOption,
    SizeOption,
    builder,
    on_meta,
)
from vitforge_pipelines.cli.planner import JsonOption, answer, errors_told, one_of, warn

MIB = 2**20


def lora(
    rank: Annotated[int, typer.Option(help="Rank r of the update BA.")] = 16,
    alpha: Annotated[float, typer.Option(help="The update is multiplied by alpha / rank.")] = 32.0,
    targets: Annotated[
        str, typer.Option(help="query-value, attention, or all: what the engine adapts.")
    ] = "all",
    size: SizeOption = "base",
    backbone: BackboneOption = "",
    classes: ClassesOption = 1000,
    separate: Annotated[
        bool, typer.Option("--separate", help="With --size: q, k, v as three matrices.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """What LoRA trains: parameters matrix by matrix, share of the whole, memory, warnings.

    Examples:

        vitforge plan lora --rank 16 --alpha 32 --size base

        vitforge plan lora --backbone timm/swin_tiny_patch4_window7_224 --targets attention
    """
    with errors_told():
        from vitforge.planning.geometry import named_geometry
        from vitforge.planning.lora import geometry_shapes, linear_shapes, plan_lora

        one_of(targets, ("query-value", "attention", "all"), "--targets")
        if backbone:
            built = on_meta(builder(backbone, classes, 0))
            shapes, total = linear_shapes(built.model, built.blocks), built.parameter_count
            head = sum(weight.numel() for weight in built.head.parameters())
        else:
            geometry = named_geometry(size, classes=classes)
            shapes = geometry_shapes(geometry, fused=not separate)
            total, head = geometry.parameters, geometry.head_parameters
        made = plan_lora(shapes, total, head, rank, alpha, targets)  # type: ignore[arg-type]
        kinds: dict[str, tuple[int, Any]] = {}
        for matrix in made.matrices:
            kind = f"{matrix.name.rsplit('.', 1)[-1]}  {matrix.rows} × {matrix.columns}"
            kinds[kind] = (kinds.get(kind, (0, None))[0] + 1, matrix)
        if not json_:
            warn(made.warnings)
        lines = [
            ("adapters", f"{made.adapter_parameters:,} parameters, r (rows + columns) a matrix"),
            ("trained", f"{made.trainable_parameters:,} with the head: {made.share:.2%} of all"),
            ("scale", f"{made.scale:g}"),
            (
                "memory",
                f"{made.memory_bytes / MIB:,.0f} MiB without activations, "
                f"against {made.full_memory_bytes / MIB:,.0f} for full fine-tuning",
            ),
            ("step", f"about {made.step_time:.0%} of full fine-tuning's time"),
            *((kind, f"{n} times {m.parameters:,}") for kind, (n, m) in kinds.items()),
        ]
        answer(json_, asdict(made), lines)
