"""Every setting says what it is; every shipped config is valid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from vitforge.config import PipelineConfig, load_config

ROOT = Path(__file__).parents[3]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str | None, bool]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        nested = isinstance(kind, type) and issubclass(kind, BaseModel)
        yield prefix + name, (kind.__doc__ if nested else field.description), field.is_required()
        if nested:
            yield from fields(kind, f"{prefix}{name}.")


@pytest.mark.parametrize(("key", "meaning", "required"), list(fields(PipelineConfig)))
def test_every_key_has_a_meaning_and_a_default(
    key: str, meaning: str | None, required: bool
) -> None:
    assert meaning and len(meaning) > 15, f"{key} does not say what it is"
    assert not required, f"{key} has no default"


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines/configs").glob("*.yaml")), ids=str)
def test_shipped_configs_are_valid_and_say_their_command(path: Path) -> None:
    load_config(path)
    head = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert f"vitforge run pipelines/configs/{path.name}" in head
