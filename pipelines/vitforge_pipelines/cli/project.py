"""`vitforge init` and `vitforge compile`: a config to start from, and the YAML for the KFP UI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

CONFIG_NAME = "vitforge.yaml"


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write vitforge.yaml.")] = Path(),
    dataset: Annotated[
        str, typer.Option(help="Folder with one folder per class, or a hub id.")
    ] = "images",
    print_: Annotated[bool, typer.Option("--print", help="Print it instead of writing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Write a commented config for your own data: every key, its default and its meaning.

    Example:

        vitforge init my-project --dataset my-project/images
    """
    text = commented_config(dataset)
    if print_:
        typer.echo(text, nl=False)
        return
    path = folder / CONFIG_NAME
    if path.exists() and not force:
        stop(
            VitforgeError(
                "the config is already there", where=str(path), mend="--force replaces it"
            )
        )
    from vitforge.artifacts import write_atomically

    write_atomically(path, text.encode())
    people.print(f"wrote {path}\nnext: vitforge run {path} --dry-run", soft_wrap=True)


def compile_(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path(
        "training.yaml"
    ),
    json_: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Compile the training DAG to the YAML that the Kubeflow Pipelines UI takes.

    Example:

        vitforge compile -o training.yaml
    """
    from kfp import compiler

    from vitforge_pipelines.training import training

    out.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(training, str(out))
    parameters = list(training.pipeline_spec.root.input_definitions.parameters)
    if json_:
        print_json({"file": str(out), "pipeline": training.name, "parameters": parameters})
    else:
        people.print(f"wrote {out}: upload it in the KFP UI under Pipelines", soft_wrap=True)


def commented_config(dataset: str) -> str:
    """A YAML config that holds every key at its default, each with its meaning."""
    from vitforge.config import PipelineConfig

    head = (
        "# A vitforge config. Every key is here with its default; delete what you do not change.\n"
        "#   check     vitforge run vitforge.yaml --dry-run\n"
        "#   run       vitforge run vitforge.yaml\n"
    )
    defaults = PipelineConfig(dataset=dataset)
    return head + "\n".join(_section_lines(defaults, "")) + "\n"


def _section_lines(section: BaseModel, indent: str) -> Iterator[str]:
    """A section as YAML lines, each key under a comment that says what it means."""
    import yaml
    from pydantic import BaseModel

    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        nested = isinstance(value, BaseModel)
        if not indent:
            yield ""
        meaning = field.description or (type(value).__doc__ if nested else "") or ""
        for line in meaning.splitlines():
            yield f"{indent}# {line}".rstrip()
        if nested:
            yield f"{indent}{name}:"
            yield from _section_lines(value, indent + "  ")
            continue
        plain = section.model_dump(mode="json", include={name}, exclude_none=True)
        told = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=96)
        for line in told.rstrip().splitlines():
            yield indent + line
