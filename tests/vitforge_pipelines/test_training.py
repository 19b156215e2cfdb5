"""The DAG: its steps, its order, its parameters."""

from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler

from vitforge.config import PipelineConfig
from vitforge_pipelines.dags import DAGS
from vitforge_pipelines.runners.local import DAG_STEPS
from vitforge_pipelines.training import training


@pytest.fixture(scope="module")
def spec() -> dict:
    return json_format.MessageToDict(training.pipeline_spec)


def test_the_task_graph(spec: dict) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    after = {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()}
    assert after == {
        "prepare-data": set(),
        "select-model": {"prepare-data"},
        "finetune-model": {"prepare-data", "select-model"},
        "evaluate-model": {"prepare-data", "finetune-model"},
        "export-model": {"prepare-data", "finetune-model"},
        "gate-model": {"evaluate-model", "export-model", "select-model", "finetune-model"},
        "register-model": {
            "prepare-data",
            "select-model",
            "finetune-model",
            "evaluate-model",
            "export-model",
            "gate-model",
        },
        "deploy-model": {"register-model"},
    }


def test_parameters_are_the_configs_keys_with_its_defaults(spec: dict) -> None:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    defaults = PipelineConfig().model_dump(mode="json", exclude_none=True)
    assert set(parameters) == set(PipelineConfig.model_fields)
    for name, parameter in parameters.items():
        assert parameter["defaultValue"] == defaults[name], name


@pytest.mark.parametrize("dag", list(DAGS))
def test_the_runner_knows_each_dags_steps_and_parameters_are_config_keys(dag: str) -> None:
    spec = json_format.MessageToDict(DAGS[dag].pipeline_spec)
    tasks = spec["root"]["dag"]["tasks"]
    assert {name.replace("_", "-") for name in DAG_STEPS[dag]} == set(tasks)
    assert set(spec["root"]["inputDefinitions"]["parameters"]) <= set(PipelineConfig.model_fields)


def test_model_steps_ask_for_a_gpu_and_light_ones_do_not(spec: dict) -> None:
    executors = spec["deploymentSpec"]["executors"]
    with_gpu = {
        name.removeprefix("exec-")
        for name, executor in executors.items()
        if "accelerator" in executor["container"].get("resources", {})
    }
    assert with_gpu == {"select-model", "finetune-model", "evaluate-model", "export-model"}


def test_deployment_is_never_taken_from_a_cache(spec: dict) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    assert not tasks["deploy-model"]["cachingOptions"].get("enableCache", False)
    assert tasks["finetune-model"]["cachingOptions"]["enableCache"]


def test_the_compiled_yaml_loads(tmp_path: Path) -> None:
    from kfp import components

    path = tmp_path / "training.yaml"
    compiler.Compiler().compile(training, str(path))
    loaded = components.load_component_from_file(str(path))
    assert loaded.name == "vitforge-training"
    assert "root" in next(iter(yaml.safe_load_all(path.read_text())))
