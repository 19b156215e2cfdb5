"""What the planners' commands share: options, errors, answers, pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop

if TYPE_CHECKING:
    from vitforge.config import Strategy

JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.")]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it: an .svg or .html file.")
]
STRATEGY_HELP = "full, partial, head, lora, lp_ft or gradual."
"""Written out, for the config is not imported to show help."""
PRECISIONS = ("fp32", "bf16", "fp16")


@contextmanager
def errors_told() -> Iterator[None]:
    """Show a mistake with its mend and leave, in place of a trace."""
    try:
        yield
    except VitforgeError as error:
        stop(error)


def one_of(value: str, choices: Iterable[str], option: str) -> Any:
    """The value, when it is a choice.

    Raises:
        ConfigError: telling the nearest.
    """
    import difflib

    known = list(choices)
    if value not in known:
        near = difflib.get_close_matches(value, known, n=2, cutoff=0.4) or known
        raise ConfigError(f"{option} {value!r} is unknown", mend=f"type {' or '.join(near)}")
    return value


def strategy_of(value: str) -> Strategy:
    """The value, when it is a strategy of the config.

    Raises:
        ConfigError: telling the nearest.
    """
    from vitforge.config import Strategy

    known: Strategy = one_of(value, get_args(Strategy), "--strategy")
    return known


def answer(json_: bool, value: dict[str, Any], lines: Iterable[tuple[str, str]]) -> None:
    """The result: JSON for programs, or label and text for people, both on standard output."""
    if json_:
        print_json(value)
        return
    rows = list(lines)
    width = max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        typer.echo(f"{label:<{width}}  {text}".rstrip())


@dataclass
class Told:
    """An answer as it grows: for programs, and for people."""

    value: dict[str, Any] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, value: Any, text: str) -> None:
        """One result under one name."""
        self.value[name] = value
        self.lines.append((name.replace("_", " "), text))


def warn(texts: Iterable[str]) -> None:
    """Warnings on standard error."""
    for text in texts:
        people.print(f"[yellow]![/] {text}", soft_wrap=True)


def save_plot(path: Path, figure: Any, title: str, caption: str) -> None:
    """Write a figure as SVG, or as a page that holds it.

    Args:
        path: Ends in `.svg` or `.html`.
        figure: A `matplotlib.figure.Figure` made inside `vitforge.report.chart_style()`.
        title: Heading of the page.
        caption: What is to be seen, one sentence.

    Raises:
        ConfigError: if the name has another ending.
    """
    import io

    from vitforge.artifacts import write_atomically
    from vitforge.report import Report, Section, chart_style, figure_svg

    if path.suffix == ".html":
        Report(title, caption, [Section(title, figure_svg(figure, caption))]).save(path)
    else:
        buffer = io.BytesIO()
        with chart_style():
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        write_atomically(path, buffer.getvalue())
    people.print(f"drew {path}", soft_wrap=True)


def check_plot(path: Path | None) -> None:
    """Refuse a picture's name before anything is computed.

    Raises:
        ConfigError: if it ends in neither `.svg` nor `.html`.
    """
    if path is not None and path.suffix not in (".svg", ".html"):
        raise ConfigError(
            f"a plot is an .svg or .html file, not {path.name!r}",
            mend=f"type --plot {path.with_suffix('.svg')}",
        )
