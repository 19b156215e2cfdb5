"""Promotion from the alias to the live server, with a real registry and real servers."""

import json
import os
import shutil
import threading
import urllib.request
import uuid
from pathlib import Path

import psutil
import pytest

from vitforge import registry
from vitforge.artifacts import GateRow, Verdict
from vitforge.config import DeploymentConfig
from vitforge.deployment import local
from vitforge.deployment import reconcile as module
from vitforge.deployment.reconcile import reconcile
from vitforge.deployment.watching import watch, webhook
from vitforge.errors import VitforgeError
from vitforge.registry.download import file_hashes
from vitforge.registry.model_versions import CHALLENGES_TAG, HASHES_TAG, VERDICT_TAG
from vitforge.tracking.client import mlflow_client

FREE = DeploymentConfig(port=0)


@pytest.fixture
def name(monkeypatch, tmp_path, mlflow_uri):
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    name = f"colours-{uuid.uuid4().hex[:8]}"
    yield name
    local.stop(name)


@pytest.fixture
def file_version(name, make_bundle, tmp_path, mlflow_uri):
    """Registers a bundle as the pipeline does, but for the parts that are not served."""
    client = mlflow_client(mlflow_uri)
    client.create_registered_model(name)
    experiment = client.create_experiment(name)

    def file(sharpness: float, outcome: str = "PASS", tagged: str = "") -> str:
        folder = tmp_path / f"filed-{sharpness}"
        shutil.move(make_bundle(f"made-{sharpness}", sharpness=sharpness), folder / "bundle")
        row = GateRow(
            metric="top1", outcome=outcome, value=0.9, low=0.8, high=0.95, n=100,
            threshold=">= 0.8", blocks=outcome == "FAIL", evidence="metrics.json",
        )  # fmt: skip
        Verdict(outcome=outcome, rows=(row,)).save(folder / "evidence" / "verdict.json")
        hashes = file_hashes(folder)
        model = client.create_logged_model(experiment, name="colours")
        (folder / "log").mkdir()
        shutil.copytree(folder / "bundle", folder / "log" / "artifacts" / "bundle")
        shutil.copytree(folder / "evidence", folder / "log" / "artifacts" / "evidence")
        client.log_model_artifacts(model.model_id, str(folder / "log"))
        tags = {
            HASHES_TAG: json.dumps(hashes),
            VERDICT_TAG: tagged or outcome,
            CHALLENGES_TAG: str((tagged or outcome) != "FAIL").lower(),
        }
        source = f"models:/{model.model_id}"
        made = client.create_model_version(name, source, tags=tags, model_id=model.model_id)
        return str(made.version)

    return file


@pytest.fixture
def set_champion(name, mlflow_uri):
    """As a person does in MLflow's UI."""
    client = mlflow_client(mlflow_uri)
    return lambda version: client.set_registered_model_alias(name, "champion", version)


def aliases(name):
    return {alias: info.version for info in registry.versions(name) for alias in info.aliases}


def answering(name, image):
    live = local.status(name)
    request = urllib.request.Request(
        f"{live.url}/predict", data=image, headers={"Content-Type": "image/png"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["model"]["version"]


def outcomes(name):
    return [(row.to_version, row.outcome) for row in registry.read_ledger(name=name)]


def test_the_alias_goes_live_and_back(name, file_version, set_champion, coloured):
    file_version(1.0), file_version(2.0)
    assert reconcile(name, FREE).outcome == "kept"
    set_champion("1")
    first = reconcile(name, FREE)
    assert (first.outcome, answering(name, coloured((9, 0, 0)))) == ("deployed", "1")
    assert aliases(name) == {"champion": "1", "deployed": "1"}
    assert reconcile(name, FREE).outcome == "agrees"

    registry.promote(name, "2", "sharper")
    config = DeploymentConfig(port=local.status(name).port)
    assert reconcile(name, config).outcome == "deployed"
    assert answering(name, coloured((9, 0, 0))) == "2"
    assert aliases(name) == {"champion": "2", "deployed": "2", "previous": "1"}

    registry.promote(name, registry.previous_version(name), "worse", action="rollback")
    assert reconcile(name, config).outcome == "deployed"
    assert answering(name, coloured((9, 0, 0))) == "1"
    assert aliases(name) == {"champion": "1", "deployed": "1", "previous": "2"}
    rows = registry.read_ledger(name=name)
    assert [(r.action, r.from_version, r.to_version, r.reason) for r in rows] == [
        ("deploy", "", "1", ""),
        ("promote", "1", "2", "sharper"),
        ("deploy", "1", "2", "sharper"),
        ("rollback", "2", "1", "worse"),
        ("deploy", "2", "1", "worse"),
    ]
    assert rows[0].by == module.BY_ALIAS and rows[2].by == rows[1].by != module.BY_ALIAS


def test_what_a_gate_refused_does_not_go_live(name, file_version, set_champion, coloured):
    file_version(1.0), file_version(2.0, "FAIL"), file_version(3.0, "FAIL", tagged="PASS")
    set_champion("1")
    reconcile(name, FREE)
    for version, why in (("2", "verdict FAIL"), ("3", "verdict.json says FAIL")):
        set_champion(version)
        found = reconcile(name, FREE)
        assert found.outcome == "refused" and why in found.detail
        assert aliases(name)["champion"] == "1" == answering(name, coloured((9, 0, 0)))
        refused = next(info for info in registry.versions(name) if info.version == version)
        assert why in refused.tags["promotion.rejected"]
    assert outcomes(name) == [("1", "deployed"), ("2", "refused"), ("3", "refused")]
    assert reconcile(name, FREE).outcome == "agrees"

    registry.promote(name, "2", "I know better", force=True)
    assert reconcile(name, FREE).outcome == "deployed"


def test_changed_bytes_do_not_go_live(name, file_version, set_champion, home):
    file_version(1.0)
    source = registry.versions(name)[0].source.removeprefix("models:/")
    (stored,) = (home / "mlflow").rglob(f"{source}/artifacts/artifacts/bundle/labels.json")
    stored.write_text('["green", "red", "blue"]')
    set_champion("1")
    found = reconcile(name, FREE)
    assert found.outcome == "refused" and "not the file that was registered" in found.detail
    assert (aliases(name), local.status(name)) == ({}, None)


def test_an_alias_that_moved_on_is_not_moved_back(
    name, file_version, set_champion, monkeypatch, coloured
):
    file_version(1.0), file_version(2.0, "FAIL")
    set_champion("2")
    reject = registry.reject

    def meanwhile(*arguments):
        reject(*arguments)
        set_champion("1")

    monkeypatch.setattr(registry, "reject", meanwhile)
    assert reconcile(name, FREE).champion == "1"
    assert aliases(name) == {"champion": "1"}


@pytest.mark.parametrize("at", ["set_alias", "append_row"])
def test_killed_half_way_it_is_finished_by_the_next_look(
    name, file_version, set_champion, monkeypatch, coloured, at
):
    file_version(1.0), file_version(2.0)
    set_champion("1")
    reconcile(name, FREE)
    set_champion("2")
    with monkeypatch.context() as patch:

        def killed(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(registry, at, killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile(name, FREE)
    assert reconcile(name, FREE).outcome == "deployed"
    assert aliases(name) == {"champion": "2", "deployed": "2", "previous": "1"}
    assert outcomes(name) == [("1", "deployed"), ("2", "deployed")]
    assert answering(name, coloured((9, 0, 0))) == "2"
    assert reconcile(name, FREE).outcome == "agrees"


def test_a_deleted_champion_keeps_serving(name, file_version, set_champion, coloured, mlflow_uri):
    file_version(1.0)
    set_champion("1")
    reconcile(name, FREE)
    mlflow_client(mlflow_uri).delete_model_version(name, "1")
    found = reconcile(name, FREE)
    assert found.outcome == "kept" and "version 1 stays live" in found.detail
    assert answering(name, coloured((9, 0, 0))) == "1"


def test_a_dead_server_is_started_again(name, file_version, set_champion, coloured):
    file_version(1.0)
    set_champion("1")
    reconcile(name, FREE)
    psutil.Process(local.status(name).pid).kill()
    assert reconcile(name, FREE).outcome == "deployed"
    assert answering(name, coloured((9, 0, 0))) == "1"


def test_two_at_once_agree_in_the_end(name, file_version, coloured):
    file_version(1.0), file_version(2.0)

    def take(version):
        registry.promote(name, version, f"I say {version}")
        reconcile(name, FREE)

    threads = [threading.Thread(target=take, args=(version,)) for version in ("1", "2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reconcile(name, FREE)
    now = aliases(name)
    assert now["champion"] == now["deployed"] == answering(name, coloured((9, 0, 0)))
    servers = [
        child
        for child in psutil.Process(os.getpid()).children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and name in " ".join(child.cmdline())
    ]
    assert len(servers) == 1


def test_a_webhook_wakes_the_loop(name, file_version, set_champion):
    """Polling once an hour, only MLflow's own webhook can explain a deployment within seconds."""
    file_version(1.0)
    wake, end, deployed = threading.Event(), threading.Event(), threading.Event()
    seen: list[str] = []

    def on_look(found):
        seen.append(found.cause if isinstance(found, VitforgeError) else found.outcome)
        if seen[-1] == "deployed":
            deployed.set()

    with webhook(name, "127.0.0.1", 0, wake):
        loop = threading.Thread(
            target=watch,
            args=(name, FREE),
            kwargs={"every": 3600.0, "wake": wake, "stop": end, "on_look": on_look},
            daemon=True,
        )
        loop.start()
        while not seen:
            end.wait(0.05)
        end.wait(1.5)  # MLflow remembers for a second that it had no webhook
        set_champion("1")
        done = deployed.wait(20)
        end.set()
        wake.set()
        loop.join(30)
        assert done, seen
    assert seen[:2] == ["kept", "deployed"]
    client = mlflow_client(os.environ["MLFLOW_TRACKING_URI"])
    assert not [hook for hook in client.list_webhooks() if name in hook.name]


def test_the_loop_outlives_a_failure(name, monkeypatch):
    wake, end = threading.Event(), threading.Event()
    told = []

    def on_look(found):
        told.append(found)
        wake.set()
        if len(told) == 3:
            end.set()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    watch(name, FREE, every=3600.0, wake=wake, stop=end, on_look=on_look)
    assert len(told) == 3 and all("does not answer" in found.cause for found in told)


def test_the_ledger_outlives_a_row_cut_short(tmp_path: Path):
    row = {"action": "deploy", "name": "m", "from_version": "", "outcome": "deployed"}
    registry.append_row(tmp_path, to_version="1", **row)
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"time": "2026')
    registry.append_row(tmp_path, to_version="2", **row)
    assert [kept.to_version for kept in registry.read_ledger(tmp_path)] == ["1", "2"]
