"""`vitforge plan freeze`: which blocks to keep fixed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vitforge.errors import ConfigError
from vitforge_pipelines.cli.planner import JsonOption, answer, errors_told


def freeze(
    images: Annotated[int, typer.Option(help="Training images; --data counts them itself.")] = 0,
    depth: Annotated[int, typer.Option(help="Blocks of the backbone.")] = 12,
    similarity: Annotated[
        float | None, typer.Option(help="Of the task to the pretraining, 0 to 1.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="Measure it: your images, a folder of classes or any data set.")
    ] = "",
    backbone: Annotated[
        str, typer.Option(help="Measure it: whose pretrained weights look at --data.")
    ] = "",
    sample: Annotated[int, typer.Option(help="Images of --data that are looked at.")] = 500,
    steps: Annotated[
        int, typer.Option(help="Train this many steps too, and see which blocks move (CKA).")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the sample and of those steps.")] = 0,
    features: Annotated[
        Path | None,
        typer.Option(
            help="Or an .npz file that measures it: `labels`, and `block_0`, `block_1`… of shape "
            "images × features; with `after_0`… of a short fine-tune, blocks are compared by CKA."
        ),
    ] = None,
    frozen_blocks: Annotated[
        int | None, typer.Option(help="A number of your own, to be checked.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Which blocks to keep fixed: task similarity × amount of data.

    Similarity is how far a linear probe on the backbone's last block already tells your classes
    apart, between chance (0) and always (1).

    Examples:

        vitforge plan freeze --data photos/ --backbone timm/vit_small_patch16_224 --steps 30

        vitforge plan freeze --images 4000 --similarity 0.6
    """
    with errors_told():
        from vitforge.planning.freezing import check_frozen_blocks, plan_freezing

        measured = _measure(data, backbone, sample, steps, seed, features)
        if measured:
            depth, similarity = measured["depth"], measured["similarity"]
        images = images or measured.get("train_images", 0)
        if similarity is None:
            raise ConfigError(
                "how alike the tasks are is not known",
                mend="measure it with --data DIR --backbone NAME or --features FILE, "
                "or type --similarity 0.5",
            )
        made = plan_freezing(depth, images, similarity)
        if frozen_blocks is not None:
            check_frozen_blocks(frozen_blocks, depth)
        lines = [
            ("strategy", made.strategy),
            ("frozen blocks", f"{made.frozen_blocks} of {made.depth}"),
            *(("why", reason) for reason in made.reasons),
            *_say(measured),
        ]
        answer(json_, asdict(made) | {"measured": measured}, lines)


def _measure(
    data: str, backbone: str, sample: int, steps: int, seed: int, features: Path | None
) -> dict[str, Any]:
    from vitforge_pipelines.cli.similarity import similarity_of_file, similarity_of_images

    if features is not None:
        return similarity_of_file(features)
    if not data and not backbone:
        return {}
    if not data or not backbone:
        missing = "--backbone timm/vit_small_patch16_224" if data else "--data DIR"
        raise ConfigError("measuring needs images and a backbone", mend=f"add {missing}")
    if sample < 1 or steps < 0:
        raise ConfigError(f"a sample of {sample}, {steps} steps", mend="type --sample 500")
    return similarity_of_images(backbone, data, sample, steps, seed)


def _say(measured: dict[str, Any]) -> list[tuple[str, str]]:
    told = []
    if "sample_images" in measured:
        n, of = measured["sample_images"], measured["train_images"]
        told.append(("measured on", f"{n} of {of} training images, by {measured['backbone']}"))
    for label, name in (("probe per block", "probe_per_block"), ("CKA per block", "cka")):
        if name in measured:
            told.append((label, " ".join(f"{value:.3f}" for value in measured[name])))
    if "settled_blocks" in measured:
        told.append(("unchanged", f"the first {measured['settled_blocks']} blocks"))
    return told
