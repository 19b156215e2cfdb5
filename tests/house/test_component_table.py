"""The table of steps in components/README.md says what the components say."""

from pathlib import Path

from google.protobuf import json_format

from vitforge_pipelines.training import training

TABLE = Path(__file__).parents[2] / "components/README.md"


def test_the_table_of_steps_is_true() -> None:
    spec = json_format.MessageToDict(training.pipeline_spec)
    executors = spec["deploymentSpec"]["executors"]
    rows = []
    for name in spec["root"]["dag"]["tasks"]:
        component = spec["components"][f"comp-{name}"]
        container = executors[f"exec-{name}"]["container"]
        inputs = component.get("inputDefinitions", {}).get("artifacts", {})
        outputs = component["outputDefinitions"]["artifacts"]
        image = "gpu" if "gpu" in container["image"] else "slim"
        gpu = "yes" if "accelerator" in container.get("resources", {}) else "no"
        rows.append((name.replace("-", "_"), set(inputs), set(outputs), image, gpu))
    told = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].endswith(("_data", "_model")):
            step, inputs, outputs, image, gpu = cells
            told.append((step, _names(inputs), _names(outputs), image, gpu))
    assert sorted(told, key=str) == sorted(rows, key=str)


def _names(cell: str) -> set[str]:
    return {name.strip() for name in cell.split(",") if name.strip()}
