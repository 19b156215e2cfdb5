"""Rehearsals and the live server, with real server processes and a registry in a folder."""

import json
import os
import shutil
import socket
import urllib.error
import urllib.request

import psutil
import pytest

from vitforge import registry
from vitforge.artifacts import Deployment, ProbeAnswers, RegisteredVersion
from vitforge.config import DeploymentConfig
from vitforge.deployment import local
from vitforge.deployment.deploy import deploy
from vitforge.deployment.rehearsal import Rehearsal
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

FREE = DeploymentConfig(port=0)
REHEARSED = Rehearsal(variant="fp32", start_seconds=1.0, answer_ms=1.0)


@pytest.fixture
def filed(make_bundle, monkeypatch, tmp_path):
    """Two versions in a stand-in registry, and no server left behind."""
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    bundles = {"1": make_bundle("one", sharpness=1.0), "2": make_bundle("two", sharpness=2.0)}
    aliases: dict[str, str] = {}

    def download(name, version, into):
        shutil.copytree(bundles[version], into, dirs_exist_ok=True)
        return into

    monkeypatch.setattr(registry, "download_version", download)

    def evidence(name, version, force=False):
        return registry.VersionInfo(name, version, (), "PASS", "r", 0, "", {})

    monkeypatch.setattr(registry, "alias_version", lambda name, alias: aliases.get(alias))
    monkeypatch.setattr(registry, "check_evidence", evidence)
    monkeypatch.setattr(
        registry, "set_alias", lambda name, alias, version: aliases.update({alias: version})
    )
    yield bundles, aliases
    local.stop("colours")


def run_step(tmp_path, version, config, challenger=True):
    folder = tmp_path / f"version-{version}"
    RegisteredVersion(
        name="colours",
        version=version,
        model_uri=f"models:/colours/{version}",
        run_id="r",
        tracking_uri="http://127.0.0.1:1",
        challenger=challenger,
        hashes={},
    ).save(folder / "version.json")
    with StepRun("deploy_model", spool=tmp_path / "spool") as run:
        deploy(folder, config, tmp_path / "out", run)
    return Deployment.load(tmp_path / "out" / "deployment.json")


def version_at(url, image):
    request = urllib.request.Request(
        f"{url}/predict", data=image, headers={"Content-Type": "image/png"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["model"]["version"]


def servers_of_this_test():
    return [
        child
        for child in psutil.Process(os.getpid()).children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE
        and "vitforge.serving" in " ".join(child.cmdline())
    ]


def test_a_refused_version_is_not_offered_for_promotion(filed, tmp_path):
    done = run_step(tmp_path, "1", FREE, challenger=False)
    assert done.status == "rehearsed"
    assert "vitforge promote" not in done.detail and "refused" in done.detail


def test_a_challenger_is_rehearsed_and_nothing_stays_up(filed, tmp_path):
    done = run_step(tmp_path, "1", FREE)
    assert (done.status, done.variant, done.url) == ("rehearsed", "fp32", "")
    assert "vitforge promote colours 1" in done.detail
    assert done.start_seconds > 0 and 0 < done.answer_ms < 5000
    assert local.status("colours") is None
    assert servers_of_this_test() == []


def test_the_champion_goes_live_and_the_next_takes_its_port(filed, tmp_path, coloured):
    _, aliases = filed
    aliases["champion"] = "1"
    first = run_step(tmp_path, "1", FREE)
    assert first.status == "live"
    assert version_at(first.url, coloured((255, 0, 0))) == "1"
    port = int(first.url.rpartition(":")[2])
    old = local.status("colours")

    second = local.go_live("colours", "2", DeploymentConfig(port=port), rehearsal=REHEARSED)
    assert second.url == first.url
    assert "took over from version 1" in second.detail
    assert {version_at(second.url, coloured((255, 0, 0))) for _ in range(10)} == {"2"}
    assert old.pid not in [server.pid for server in servers_of_this_test()]

    again = local.go_live("colours", "2", DeploymentConfig(port=port))
    assert again.detail == "already live"
    assert local.stop("colours").version == "2"
    assert local.status("colours") is None
    assert servers_of_this_test() == []
    with pytest.raises(urllib.error.URLError):
        version_at(second.url, b"")


def test_a_version_that_answers_otherwise_is_refused(filed, tmp_path):
    bundles, aliases = filed
    aliases["champion"] = "1"
    wrong = ProbeAnswers(label="red", probabilities={"fp32": (0.9, 0.05, 0.05)})
    wrong.save(bundles["1"] / "probe.json")
    with pytest.raises(VitforgeError, match=r"answers red with 0\.5761; the pipeline expects 0\.9"):
        run_step(tmp_path, "1", FREE)
    assert servers_of_this_test() == []
    assert not (tmp_path / "out" / "deployment.json").exists()


def test_a_bundle_that_cannot_serve_is_told_with_the_servers_words(filed, tmp_path):
    bundles, _ = filed
    with (bundles["1"] / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(VitforgeError, match=r"exit code 1: .*answers were checked") as caught:
        run_step(tmp_path, "1", FREE)
    assert caught.value.where.endswith("rehearsal-1.log")


def test_a_failed_takeover_leaves_the_old_one_up(filed, tmp_path, coloured):
    bundles, _ = filed
    first = local.go_live("colours", "1", FREE, rehearsal=REHEARSED)
    (bundles["2"] / "labels.json").write_text('["red", "green"]')
    with pytest.raises(VitforgeError, match="3 outputs, and the bundle names 2"):
        config = DeploymentConfig(port=int(first.url.rpartition(":")[2]))
        local.go_live("colours", "2", config, rehearsal=REHEARSED)
    assert version_at(first.url, coloured((255, 0, 0))) == "1"
    assert len(servers_of_this_test()) == 1


def test_a_strangers_port_is_named(filed):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(VitforgeError, match=f"port {port} is in use") as caught:
            local.go_live("colours", "1", DeploymentConfig(port=port), rehearsal=REHEARSED)
    assert "deployment.port: 0" in caught.value.mend
    assert servers_of_this_test() == []


def test_a_server_that_is_not_ready_in_time_is_stopped(filed, tmp_path):
    config = DeploymentConfig(port=0, ready_seconds=0.05)
    with pytest.raises(VitforgeError, match=r"was not ready within 0\.05 s"):
        run_step(tmp_path, "1", config)
    assert servers_of_this_test() == []


@pytest.mark.parametrize(
    ("config", "detail"),
    [
        (DeploymentConfig(target="none"), "target is none"),
        (DeploymentConfig(rehearse=False), "not the champion"),
    ],
)
def test_nothing_to_do_is_said(filed, tmp_path, config, detail):
    done = run_step(tmp_path, "1", config)
    assert done.status == "skipped" and detail in done.detail


def test_a_dead_server_is_not_live(filed):
    local.go_live("colours", "1", FREE, rehearsal=REHEARSED)
    pid = local.status("colours").pid
    psutil.Process(pid).kill()
    assert local.status("colours") is None
    assert local.go_live("colours", "1", FREE, rehearsal=REHEARSED).detail == "live"
