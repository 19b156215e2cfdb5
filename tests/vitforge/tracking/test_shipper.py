"""The shipper against a real server: nothing lost, nothing doubled, whatever happens."""

import math
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vitforge.tracking import StepRun, spool
from vitforge.tracking.client import mlflow_client
from vitforge.tracking.ids import RunIds, wait_for_ids
from vitforge.tracking.server import ensure_server, stop_server
from vitforge.tracking.shipper import Shipper

STEPS = ("prepare", "select", "finetune", "evaluate", "export", "gate")
POINTS = 300


@pytest.fixture(autouse=True)
def spool_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITFORGE_SPOOL", str(tmp_path))


@pytest.fixture
def shipper_to(tmp_path: Path, mlflow_uri: str) -> Callable[..., Shipper]:
    """Makes shippers for one spool, as a killed and restarted runner would."""

    def make(uri: str = mlflow_uri, **more: Any) -> Shipper:
        arguments = {"tracking_uri": uri, "experiment": f"t-{tmp_path.name}", "run_name": "run"}
        return Shipper(tmp_path, **(arguments | more))

    return make


def write_step(root: Path, step: str, count: int = POINTS) -> None:
    """A step that logs `count` points of one metric."""
    with StepRun(step, spool=root) as run:
        run.params({"seed": 1, "nested": {"rate": 0.5}})
        for epoch in range(count):
            run.metrics({"loss": 1 / (1 + epoch)}, step=epoch)
        run.headline({"top1": 0.97})


def ids_of(root: Path) -> RunIds:
    return wait_for_ids(root, timeout=10)


def history(uri: str, run: str, key: str = "loss") -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in mlflow_client(uri).get_metric_history(run, key)]


def test_one_step_arrives_whole(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h1>seven</h1>")
    shipper = shipper_to(tags={"dataset": "digits"})
    shipper.start()
    with StepRun("evaluate", spool=tmp_path) as run:
        run.params({"seed": 3, "nested": {"rate": 0.25}})
        run.metrics({"loss": 0.5, "gap": math.nan}, step=0)
        run.metrics({"loss": 0.25}, step=1)
        run.headline({"top1": 0.97})
        run.tags({"device": "cpu"})
        run.note("all went well")
        run.file(report, "reports", headline=True)
        run.dataset_input("digits", "f" * 64, "sklearn", {"train": 10})
    shipped = shipper.close(30)
    assert (shipped.pending, shipped.refused, shipped.error) == (0, (), "")

    client, ids = mlflow_client(mlflow_uri), ids_of(tmp_path)
    child, parent = client.get_run(ids.children["evaluate"]), client.get_run(ids.parent_run_id)
    assert child.data.params == {"seed": "3", "nested.rate": "0.25"}
    assert parent.data.params == child.data.params
    for run_id in (child.info.run_id, parent.info.run_id):
        assert [found.path for found in client.list_artifacts(run_id, "reports")] == [
            "reports/report.html"
        ]
    assert history(mlflow_uri, child.info.run_id) == [(0, 0.5), (1, 0.25)]
    assert math.isnan(child.data.metrics["gap"])
    assert child.data.tags["device"] == "cpu"
    assert child.data.tags["mlflow.note.content"] == "all went well"
    assert child.data.tags["mlflow.parentRunId"] == ids.parent_run_id == shipper.parent_run_id
    assert child.info.status == parent.info.status == "FINISHED"
    assert child.info.run_name == "evaluate"
    assert child.info.start_time <= child.info.end_time
    assert parent.data.metrics["top1"] == child.data.metrics["top1"] == 0.97
    assert parent.data.tags["dataset"] == "digits"
    for one in (child, parent):
        assert [i.dataset.digest for i in one.inputs.dataset_inputs] == ["f" * 36]
    files = client.list_artifacts(child.info.run_id, "reports")
    assert [file.path for file in files] == ["reports/report.html"]


@pytest.mark.slow
def test_server_down_then_up_loses_and_doubles_nothing(
    tmp_path: Path, shipper_to: Callable[..., Shipper]
) -> None:
    own = tmp_path / "own-home"
    uri = ensure_server(own).uri
    try:
        shipper = shipper_to(uri)
        shipper.start()
        with StepRun("finetune", spool=tmp_path) as run:
            for epoch in range(POINTS):
                run.metrics({"loss": float(epoch)}, step=epoch)
                if epoch == POINTS // 2:
                    assert shipper.parent_run_id
                    stop_server(own)
        assert shipper.close(1.0).pending > 0
        assert ensure_server(own).uri == uri, "the port is free again, so it is taken again"

        again = shipper_to(uri)
        again.start()
        shipped = again.close(30)
        assert (shipped.pending, shipped.error) == (0, "")
        run_id = ids_of(tmp_path).children["finetune"]
        assert history(uri, run_id) == [(i, float(i)) for i in range(POINTS)]
        experiment = ids_of(tmp_path).experiment_id
        assert len(mlflow_client(uri).search_runs([experiment])) == 2, "one parent, one child"
    finally:
        stop_server(own)


def test_a_kill_between_sending_and_noting_doubles_nothing(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    write_step(tmp_path, "finetune")
    first = shipper_to()
    first.start()
    assert first.close(30).pending == 0
    (tmp_path / "finetune" / spool.BOOKMARK_FILE).unlink()
    (tmp_path / "ids.json").unlink()
    second = shipper_to()
    second.start()
    assert second.close(30).error == ""
    ids = ids_of(tmp_path)
    assert ids.parent_run_id == first.parent_run_id
    assert len(history(mlflow_uri, ids.children["finetune"])) == POINTS
    assert len(mlflow_client(mlflow_uri).search_runs([ids.experiment_id])) == 2


def test_six_processes_at_once(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    shipper = shipper_to()
    shipper.start()
    script = (
        "import sys, pathlib; from vitforge.tracking import StepRun\n"
        "with StepRun(sys.argv[1], spool=pathlib.Path(sys.argv[2])) as run:\n"
        "    for epoch in range(300): run.metrics({'loss': 1 / (1 + epoch)}, step=epoch)\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, step, str(tmp_path)]) for step in STEPS
    ]
    assert [worker.wait(60) for worker in workers] == [0] * len(STEPS)
    shipped = shipper.close(60)
    assert (shipped.pending, shipped.error) == (0, "")
    children = ids_of(tmp_path).children
    assert sorted(children) == sorted(STEPS)
    counts = [len(history(mlflow_uri, run)) for run in children.values()]
    assert counts == [POINTS] * len(STEPS)


def test_killed_step_is_closed_as_failed(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    shipper = shipper_to()
    shipper.start()
    script = (
        "import sys, os, pathlib; from vitforge.tracking import StepRun\n"
        "run = StepRun('finetune', spool=pathlib.Path(sys.argv[1])).__enter__()\n"
        "run.metrics({'loss': 0.5})\n"
        'run._file.write(\'{"kind": "met\')\n'
        "run._file.flush()\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    shipper.fail("finetune", "the step was killed")
    shipped = shipper.close(30)
    assert (shipped.pending, shipped.error) == (0, "")
    client, ids = mlflow_client(mlflow_uri), ids_of(tmp_path)
    child = client.get_run(ids.children["finetune"])
    assert child.info.status == "FAILED"
    assert child.data.tags["vitforge.cause"] == "the step was killed"
    assert child.data.metrics["loss"] == 0.5
    parent = client.get_run(ids.parent_run_id)
    assert parent.info.status == "FAILED"
    assert parent.data.tags["vitforge.failed_step"] == "finetune"


def test_resumed_step_goes_on_in_the_same_run(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    with pytest.raises(ValueError), StepRun("finetune", spool=tmp_path) as run:
        run.params({"batch": 64})
        run.metrics({"loss": 2.0}, step=0)
        raise ValueError("no")
    first = shipper_to()
    first.start()
    assert first.close(30).error == ""
    assert mlflow_client(mlflow_uri).get_run(first.parent_run_id).info.status == "FAILED"
    with StepRun("finetune", spool=tmp_path) as run:
        run.params({"batch": 32})
        run.metrics({"loss": 1.0}, step=1)
    second = shipper_to()
    second.start()
    assert second.close(30).error == ""
    ids = ids_of(tmp_path)
    child = mlflow_client(mlflow_uri).get_run(ids.children["finetune"])
    assert ids.parent_run_id == first.parent_run_id
    assert child.info.status == "FINISHED"
    assert child.data.params == {"batch": "64"}
    assert child.data.tags["vitforge.changed.batch"] == "32"
    assert history(mlflow_uri, child.info.run_id) == [(0, 2.0), (1, 1.0)]


def test_points_missing_on_the_server_are_sent_again(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    """The count at the end finds what a server took and lost."""
    with StepRun("finetune", spool=tmp_path) as run:
        run.metrics({"loss": 1.0}, step=0)
        run.metrics({"loss": 0.5}, step=1)
    whole = (tmp_path / "finetune" / "events.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    shipper = shipper_to()
    shipper.start()
    assert shipper.close(30).pending == 0
    run_id = ids_of(tmp_path).children["finetune"]
    late = lines[1].replace(b'"at": 0', b'"at": 7')  # written before the bookmark, never sent
    (tmp_path / "finetune" / "events.jsonl").write_bytes(
        b"".join([*lines[:2], late, *lines[2:], lines[0], lines[-1]])
    )
    bookmark = spool.load_bookmark(tmp_path / "finetune")
    moved = bookmark.model_copy(update={"offset": len(whole) + len(late)})
    moved.save(tmp_path / "finetune" / spool.BOOKMARK_FILE)
    again = shipper_to()
    again.start()
    assert again.close(30).error == ""
    assert sorted(history(mlflow_uri, run_id)) == [(0, 1.0), (1, 0.5), (7, 1.0)]


def test_refused_item_takes_no_other_along(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    with StepRun("evaluate", spool=tmp_path) as run:
        run.metrics({"top1": 0.9, "../sneaky": 1.0, "ece@15": 0.1})
    shipper = shipper_to()
    shipper.start()
    shipped = shipper.close(30)
    assert (shipped.pending, shipped.error) == (0, "")
    assert [what.split(":")[0] for what in shipped.refused] == ["metrics ../sneaky"]
    child = mlflow_client(mlflow_uri).get_run(ids_of(tmp_path).children["evaluate"])
    assert child.data.metrics == {"top1": 0.9, "ece_15": 0.1}
    assert child.info.status == "FINISHED"


def test_joins_a_run_of_somebody_else(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    client = mlflow_client(mlflow_uri)
    theirs = client.create_run(client.create_experiment(f"theirs-{uuid.uuid4()}"))
    write_step(tmp_path, "gate", 1)
    shipper = shipper_to(parent_run_id=theirs.info.run_id)
    shipper.start()
    assert shipper.close(30).parent_run_id == theirs.info.run_id
    assert client.get_run(theirs.info.run_id).info.status == "RUNNING", "theirs to end"
    child = client.get_run(ids_of(tmp_path).children["gate"])
    assert child.info.experiment_id == theirs.info.experiment_id


def test_nothing_listens(tmp_path: Path, shipper_to: Callable[..., Shipper]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        write_step(tmp_path, "gate", 5)
        shipper = shipper_to(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        shipper.start()
        before = time.monotonic()
        shipped = shipper.close(1.0)
        assert time.monotonic() - before < 2.0
    assert shipped.pending == 9  # start, params, 5 points, headline, end
    assert "nothing answers" in shipped.error


@pytest.mark.slow
def test_beside_a_step_on_a_cluster(
    tmp_path: Path, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pods of one Kubeflow run, each with a shipper of its own, share one parent."""
    monkeypatch.delenv("VITFORGE_SPOOL", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", tmp_path.name)
    monkeypatch.setenv("KFP_RUN_ID", f"kfp-{uuid.uuid4()}")
    with StepRun("prepare_data") as first:
        first.metrics({"images": 3.0})
    with StepRun("deploy_model") as last:
        last.metrics({"seconds": 1.0})
    ids = [ids_of(run.folder.parent) for run in (first, last)]
    assert ids[0].parent_run_id == ids[1].parent_run_id
    client = mlflow_client(mlflow_uri)
    parent = client.get_run(ids[0].parent_run_id)
    assert parent.info.status == "FINISHED"
    assert len(client.search_runs([parent.info.experiment_id])) == 3
    metrics = client.get_run(ids[1].children["deploy_model"]).data.metrics
    assert metrics["seconds"] == 1.0


def test_system_metrics_of_a_living_step(
    tmp_path: Path, mlflow_uri: str, shipper_to: Callable[..., Shipper]
) -> None:
    shipper = shipper_to()
    shipper.start()
    with StepRun("finetune", spool=tmp_path):
        wait_for_ids(tmp_path, 10, step="finetune")
        time.sleep(1.2)
    assert shipper.close(30).error == ""
    metrics = mlflow_client(mlflow_uri).get_run(ids_of(tmp_path).children["finetune"]).data.metrics
    assert 1 < metrics["system/process_memory_megabytes"] < 64_000
    assert metrics["system/cpu_utilization_percentage"] >= 0
