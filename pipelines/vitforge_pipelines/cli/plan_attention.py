"""`vitforge plan attention`: whether a layer's heads do their work."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import ConfigError
from vitforge_pipelines.cli.planner import (
    JsonOption,
    PlotOption,
    answer,
    check_plot,
    errors_told,
    one_of,
    save_plot,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def attention(
    behaviour: Annotated[
        str, typer.Argument(help="diverse, collapsed, uniform or focused.")
    ] = "diverse",
    heads: Annotated[int, typer.Option(help="Attention heads.")] = 12,
    tokens: Annotated[int, typer.Option(help="Tokens: 197 in ViT-B/16 at 224 pixels.")] = 197,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
    file: Annotated[
        Path | None,
        typer.Option(help="An .npy file of attention to judge: heads × queries × keys."),
    ] = None,
    plot: PlotOption = None,
    json_: JsonOption = False,
) -> None:
    """Judge attention, simulated or your own: entropy, head diversity, good or collapsed.

    Examples:

        vitforge plan attention collapsed --heads 6

        vitforge plan attention --file attention.npy --plot heads.svg
    """
    with errors_told():
        from vitforge.planning.attention import analyse_attention, simulate_attention

        check_plot(plot)
        if file is not None:
            maps = _read_attention(file)
        else:
            one_of(behaviour, ("diverse", "collapsed", "uniform", "focused"), "behaviour")
            maps = simulate_attention(behaviour, heads, tokens, seed)  # type: ignore[arg-type]
        made = analyse_attention(maps)
        if plot:
            _draw_heads(maps, plot, made.reading)
        low, high = made.good_entropy
        lines = [
            ("verdict", f"{made.verdict}: {made.reading}"),
            ("entropy", f"{made.entropy:.3f} nats; good is {low:.2f} to {high:.2f} here"),
            (
                "head diversity",
                f"{made.diversity:.3f} as printed, {made.normalised_diversity:.3f} "
                "over distinct pairs; good is 0.6 to 0.9",
            ),
            ("entropy by head", " ".join(f"{value:.2f}" for value in made.head_entropies)),
        ]
        answer(json_, asdict(made), lines)


def _read_attention(path: Path) -> NDArray[Any]:
    import numpy as np

    try:
        maps: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the attention cannot be read: {error}",
            where=str(path),
            mend="write it with numpy.save(FILE, attention)",
        ) from error
    return maps


def _draw_heads(maps: NDArray[Any], path: Path, caption: str) -> None:
    from vitforge.report import chart_style

    with chart_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.5, 3.2))
        axes = figure.subplots()
        # A row a head: the share of attention that each key gets, averaged over queries.
        image = axes.imshow(maps.mean(1), aspect="auto", cmap="viridis", interpolation="nearest")
        axes.grid(False)
        axes.set(xlabel="key token", ylabel="head", title="Where each head looks")
        figure.colorbar(image, label="mean attention")
    save_plot(path, figure, "Attention by head", caption.capitalize() + ".")
