"""Reading a config file: YAML in, a checked `PipelineConfig` out, mistakes named."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from vitforge.config.pipeline import PipelineConfig
from vitforge.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> PipelineConfig:
    """Read and check a YAML config.

    Args:
        path: The YAML file; its keys are those of `PipelineConfig`.
        overrides: Dotted keys (`finetuning.batch_size`) and the values that replace the file's.

    Raises:
        ConfigError: if the file is missing, is no YAML mapping, or a key or value is wrong; the
            message names every mistake, and the nearest known name of an unknown key.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = sorted(str(p) for p in path.parent.glob("[!.]*.y*ml"))
        match = difflib.get_close_matches(str(path), near, n=1)
        mend = f"did you mean {match[0]}?" if match else "vitforge init . writes a first config"
        raise ConfigError("no such config file", where=str(path), mend=mend) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the config cannot be read: {error}", where=str(path)) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"the config is not valid YAML: {error}", where=str(path)) from error
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise ConfigError("the config must be a mapping of keys to values", where=str(path))
    for key, value in (overrides or {}).items():
        _assign(raw, key, value)
    return parse(PipelineConfig, raw, where=str(path))


def parse(model: type[Model], raw: Mapping[str, Any], where: str = "") -> Model:
    """Check `raw` against a section, with mistakes told in people's words.

    Raises:
        ConfigError: naming every wrong key and value.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        told = [_tell(model, detail) for detail in error.errors()]
        raise ConfigError(
            "; ".join(cause for cause, _ in told),
            where=where,
            mend="; ".join(mend for _, mend in told if mend)
            or "vitforge init --print shows every key, its range and its default",
        ) from None


def _tell(model: type[BaseModel], detail: Any) -> tuple[str, str]:
    """One mistake as (cause, mend)."""
    location = tuple(str(part) for part in detail["loc"])
    key = ".".join(location)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model)
        # A known name in the wrong section comes before a misspelt one in the right section.
        near = [name for name in known if name.rsplit(".", 1)[-1] == location[-1]]
        near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]}?" if near else "see the keys with: vitforge init --print"
        return f"unknown key {key}", mend
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return message, ""
    return f"{key}: {message} (got {detail['input']!r})", ""


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def _assign(raw: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, last = dotted.split(".")
    for name in sections:
        inner = raw.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{name} is a value, not a section", where=dotted)
        raw = inner
    raw[last] = value
