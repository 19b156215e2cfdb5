"""`vitforge codegen`: leave with a script of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.planner import (
    PRECISIONS,
    JsonOption,
    errors_told,
    one_of,
    strategy_of,
    warn,
)


def codegen(
    out: Annotated[Path, typer.Argument(help="The script to write.")] = Path("train.py"),
    backbone: Annotated[
        str, typer.Option(help="timm/NAME, transformers/NAME, a hub id or a folder.")
    ] = "timm/vit_base_patch16_224",
    task: Annotated[
        str, typer.Option(help="single-label, multi-label or regression.")
    ] = "single-label",
    config: Annotated[
        Path | None, typer.Option(help="A config whose recipe, strategy and seed are taken.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="full, partial, head or lora.")] = "",
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 0,
    batch: Annotated[int, typer.Option(help="Images a forward pass.")] = 0,
    warmup_epochs: Annotated[float | None, typer.Option(help="Epochs of warm-up.")] = None,
    frozen_blocks: Annotated[int, typer.Option(help="For --strategy partial.")] = 0,
    image_size: Annotated[int, typer.Option(help="Pixels; 0 takes the backbone's.")] = 0,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Recompute activations.")
    ] = False,
    accumulation: Annotated[int, typer.Option(help="Forward passes an optimizer step.")] = 1,
    compile_: Annotated[bool, typer.Option("--compile", help="torch.compile the model.")] = False,
    scratch: Annotated[bool, typer.Option("--scratch", help="Start from random weights.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json_: JsonOption = False,
) -> None:
    """Write one readable training script: torch, timm or transformers, peft; no vitforge.

    Examples:

        vitforge codegen train.py --backbone timm/vit_small_patch16_224 --strategy lora

        vitforge codegen xray.py --task multi-label --precision bf16 --checkpointing
    """
    from vitforge_pipelines.cli.console import people, print_json

    with errors_told():
        from vitforge.artifacts import write_atomically
        from vitforge.backbones import resolve
        from vitforge.config import FinetuningConfig, PipelineConfig, load_config, parse
        from vitforge.planning.codegen import ScriptOptions, generate

        one_of(task, ("single-label", "multi-label", "regression"), "--task")
        one_of(precision, PRECISIONS, "--precision")
        if strategy:
            strategy_of(strategy)
        if out.exists() and not force:
            raise VitforgeError(
                "the file is already there", where=str(out), mend="--force replaces it"
            )
        whole = load_config(config) if config else PipelineConfig()
        changes = {
            "batch_size": batch or None,
            "warmup_epochs": warmup_epochs,
            "frozen_blocks": frozen_blocks or None,
        }
        asked = {key: value for key, value in changes.items() if value is not None}
        recipe = parse(FinetuningConfig, whole.finetuning.model_dump() | asked)
        script = generate(
            ScriptOptions(
                resolve(backbone, pretrained=not scratch),
                task,  # type: ignore[arg-type]
                strategy or whole.strategy,  # type: ignore[arg-type]
                recipe,
                epochs or whole.epochs,
                whole.seed,
                image_size,
                precision,  # type: ignore[arg-type]
                checkpointing,
                accumulation,
                compile_,
            )
        )
        write_atomically(out, script.text.encode())
    if json_:
        print_json({"file": str(out), "left_out": script.left_out})
        return
    warn(f"not in the script: {name}" for name in script.left_out)
    people.print(f"wrote {out}\nnext: python {out} --data DIR", soft_wrap=True)
