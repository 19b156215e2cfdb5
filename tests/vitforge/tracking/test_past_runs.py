"""What past runs teach, from a real server."""

import uuid

import pytest

from vitforge.tracking.client import mlflow_client
from vitforge.tracking.past_runs import read_past_runs

DEVICE = f"cpu-{uuid.uuid4().hex[:6]}"


def log(client, experiment: str, step: str, parent: str, metrics, tags=(), params=(), end=True):
    tags = {"mlflow.parentRunId": parent, "vitforge.step": step, **dict(tags)}
    run = client.create_run(experiment, tags=tags).info.run_id
    for name, value in metrics.items():
        client.log_metric(run, name, value)
    for name, value in params:
        client.log_param(run, name, value)
    if end:
        client.set_terminated(run)


@pytest.mark.slow
def test_a_plan_and_its_training_are_one_past_run(mlflow_uri: str) -> None:
    client = mlflow_client(mlflow_uri)
    experiment = client.create_experiment(f"past-{uuid.uuid4().hex}")
    tags = {"vitforge.device": DEVICE, "vitforge.precision": "fp32"}
    plan = {"seconds_uncorrected": 10.0, "training_gflops": 2.0}
    trained = {"seconds_measured": 15.0, "seconds_predicted": 11.0, "images_per_second": 7.0}
    for parent in ("a", "patient", "unfinished"):
        log(client, experiment, "select_model", parent + DEVICE, plan, tags)
    log(client, experiment, "finetune_model", "a" + DEVICE, trained)
    patience = [("plan.recipe.patience", "3")]
    log(client, experiment, "finetune_model", "patient" + DEVICE, trained, params=patience)
    log(client, experiment, "finetune_model", "unfinished" + DEVICE, trained, end=False)
    log(client, experiment, "finetune_model", "without a plan", trained)
    (run,) = [one for one in read_past_runs(mlflow_uri) if one.device == DEVICE]
    assert (run.seconds_predicted, run.seconds_measured, run.precision) == (10.0, 15.0, "fp32")
    assert (run.gflops_an_image, run.images_per_second) == (2.0, 7.0)
    assert run.memory_predicted_mib is None


@pytest.mark.parametrize("uri", ["", "sqlite:///mlflow.db", "http://127.0.0.1:9"])
def test_no_store_has_nothing_to_tell(uri: str) -> None:
    assert read_past_runs(uri) == ()


def test_a_server_that_talks_nonsense_has_nothing_to_tell(monkeypatch) -> None:
    from vitforge.tracking import past_runs

    monkeypatch.setattr(past_runs, "is_reachable", lambda _: True)
    for fault in (ValueError("no JSON"), OSError("reset"), KeyError("experiment_id")):

        def ask(*_, fault=fault):
            raise fault

        monkeypatch.setattr(past_runs, "_ask", ask)
        assert read_past_runs("http://somewhere") == ()
