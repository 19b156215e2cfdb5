"""Reading a config: what is right is kept, what is wrong is named with its mend."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from vitforge.config import PipelineConfig, load_config
from vitforge.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_values_and_sections_arrive(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "epochs: 7\nfinetuning: {batch_size: 3}"))
    assert config.epochs == 7
    assert config.finetuning.batch_size == 3
    assert config.finetuning.weight_decay == PipelineConfig().finetuning.weight_decay


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "# nothing\n")) == PipelineConfig()


@pytest.mark.parametrize(
    ("text", "cause", "mend"),
    [
        ("epohs: 3", "unknown key epohs", "did you mean epochs?"),
        ("finetuning: {bach_size: 3}", "finetuning.bach_size", "finetuning.batch_size"),
        ("finetuning: {augmentation: {mixupp: 1}}", "mixupp", "finetuning.augmentation.mixup"),
        ("data: {opset: 18}", "unknown key data.opset", "did you mean export.opset?"),
        ("export: {opset: 3}", "export.opset", ""),
        ("finetuning: {learning_rate: fast}", "finetuning.learning_rate", ""),
        ("strategy: lorra", "strategy", ""),
        ("epochs: 2\nfinetuning: {warmup_epochs: 2}", "warmup_epochs (2) must be below epochs", ""),
        ("strategy: partial", "needs finetuning.frozen_blocks", ""),
        ("gates: {rules: [{metric: top1}]}", "needs one of at_least and at_most", ""),
        ("model_name: 'no spaces'", "model_name", ""),
        ("- a list", "must be a mapping", ""),
        ("a: [", "not valid YAML", ""),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert cause in caught.value.cause
    assert mend in caught.value.mend
    assert caught.value.where.endswith("config.yaml")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, "epohs: 3\nseeed: 1\nexport: {opset: 99}"))
    for key in ("epohs", "seeed", "export.opset"):
        assert key in caught.value.cause


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    with pytest.raises(ConfigError) as caught:
        load_config(path.with_name("confg.yaml"))
    assert caught.value.mend == f"did you mean {path}?"


def test_overrides_reach_into_sections(tmp_path: Path) -> None:
    path = write(tmp_path, "finetuning: {batch_size: 3}")
    config = load_config(path, {"finetuning.augmentation.mixup": 0.3, "seed": 4})
    assert (config.finetuning.batch_size, config.seed) == (3, 4)
    assert config.finetuning.augmentation.mixup == 0.3
    with pytest.raises(ConfigError, match="is a value, not a section"):
        load_config(path, {"finetuning.batch_size.more": 1})


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        PipelineConfig().finetuning.batch_size = 1  # type: ignore[misc]


def test_floats_from_a_pipeline_become_integers_again() -> None:
    """Kubeflow hands numbers in dicts on as floats."""
    raw = PipelineConfig().model_dump(mode="json", exclude_none=True)
    raw["finetuning"]["batch_size"] = 64.0
    assert PipelineConfig.model_validate(raw).finetuning.batch_size == 64
    raw["selection"]["candidates"][0]["args"] = {"depth": 4.0, "window": [7.0, 7.0], "ratio": 2.5}
    candidate = PipelineConfig.model_validate(raw).selection.candidates[0]
    assert json.dumps(candidate.args) == '{"depth": 4, "window": [7, 7], "ratio": 2.5}'
    raw["finetuning"]["batch_size"] = 64.5
    with pytest.raises(ValidationError):
        PipelineConfig.model_validate(raw)
