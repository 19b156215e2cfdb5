"""The whole DAG for real: stopped, killed, gone on with, refused, and the same twice."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from vitforge.tracking.step import EVENTS_FILE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHORT = (
    "run",
    "pipelines/configs/digits.yaml",
    "--set=epochs=3",
    "--set=finetuning.warmup_epochs=1",
    "--set=selection.trial_steps=2",
    "--set=selection.sample_images=100",
    "--json",
)


def start_until(
    step: str, environment: dict[str, str], *more: str
) -> tuple[subprocess.Popen[str], int]:
    """Start the short run and wait until a step is at work; the command and the step's pid."""
    began = time.time()
    command = subprocess.Popen(
        ["vitforge", *SHORT, *more],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    home = Path(environment["VITFORGE_HOME"])
    while time.time() < began + 240:
        assert command.poll() is None, command.communicate()
        for file in home.glob(f"runs/*/spool/{step}/{EVENTS_FILE}"):
            event = json.loads(file.read_text().splitlines()[-1])
            first = [json.loads(x) for x in file.read_text().splitlines() if '"start"' in x][-1]
            if first["time"] > began and event["kind"] != "end":
                return command, int(first["pid"])
        time.sleep(0.05)
    raise AssertionError(f"{step} never started")


def last_line(output: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def comparable(result: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in result["metrics"].items() if not name.endswith("_ms")}


def test_a_run_survives_what_happens_to_it(
    environment: dict[str, str], state_folder: Path, vitforge: Callable[..., Any]
) -> None:
    # Ctrl-C
    command, pid = start_until("select_model", environment)
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=60)
    assert command.returncode == 130, errors
    told = last_line(output)
    assert told["state"] == "stopped"
    assert told["error"]["step"] == "select_model"
    assert "same command again" in told["error"]["mend"]
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    # a step is killed
    command, pid = start_until("finetune_model", environment)
    os.kill(pid, signal.SIGKILL)
    output, errors = command.communicate(timeout=60)
    assert command.returncode == 1, errors
    told = last_line(output)
    assert told["error"]["step"] == "finetune_model"
    assert "killed" in told["error"]["cause"]
    assert "log.txt" in told["error"]["mend"]
    assert told["model"] is None

    # the same command goes on from there
    ran = vitforge(*SHORT)
    assert ran.returncode == 3, ran.stderr  # three epochs do not reach 96 %
    first = last_line(ran.stdout)
    assert first["run"] == told["run"]
    kept = {step["name"] for step in first["steps"] if step["kept"]}
    assert {"prepare_data", "select_model"} <= kept
    assert first["verdict"] == "FAIL"
    assert first["model"] == {
        "name": "digits",
        "version": "1",
        "uri": "models:/digits/1",
        "challenger": False,
    }
    assert first["metrics"]["n"] >= 350
    assert Path(first["report"]).read_text().count("FAIL") >= 1
    assert [step["name"] for step in first["steps"]][-1] == "deploy_model"

    # a refused version cannot be promoted
    ran = vitforge("promote", "digits", "1", "--port", "0")
    assert ran.returncode == 1
    assert "verdict FAIL" in ran.stderr

    # a finished run is run again, and comes out the same
    ran = vitforge(*SHORT)
    second = last_line(ran.stdout)
    assert second["run"] != first["run"]
    assert comparable(second) == comparable(first)
    assert second["model"]["version"] == "2"

    # nothing is left behind as running
    from mlflow import MlflowClient

    client = MlflowClient(json.loads((state_folder / "mlflow/server.json").read_text())["uri"])
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert {run.info.status for run in runs} <= {"FINISHED", "FAILED", "KILLED"}
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 2
    assert all(run.info.status == "FINISHED" for run in parents)
    assert all(run.data.params["epochs"] == "3" for run in parents)


def test_a_plan_is_gone_on_with(environment: dict[str, str], vitforge: Callable[..., Any]) -> None:
    seed = "--set=seed=7"
    ran = vitforge("plan", *SHORT[1:], seed)
    assert ran.returncode == 0, ran.stderr
    plan = last_line(ran.stdout)
    assert plan["epochs"] == 3
    assert plan["reasons"]
    assert {candidate["name"] for candidate in plan["candidates"]} == {"vit-64x4", "vit-96x4"}
    told = last_line(vitforge("run", *SHORT[1:], seed, "--dry-run").stdout)
    assert told["goes_on_with"]

    command, _ = start_until("finetune_model", environment, seed)
    command.send_signal(signal.SIGINT)
    stopped = last_line(command.communicate(timeout=60)[0])
    assert stopped["run"] == told["goes_on_with"]
    kept = {step["name"] for step in stopped["steps"] if step["kept"]}
    assert kept == {"prepare_data", "select_model"}
