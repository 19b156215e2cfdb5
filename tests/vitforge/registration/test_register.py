"""Registration and what follows it, against a real server."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vitforge.artifacts import (
    ONNX_FILE,
    PREDICTIONS_FILE,
    VERDICT_FILE,
    VERSION_FILE,
    RegisteredVersion,
    Verdict,
)
from vitforge.config import RegistryConfig
from vitforge.errors import VitforgeError
from vitforge.registration.register import register
from vitforge.registration.sources import Sources
from vitforge.registry import (
    alias_version,
    champion_predictions,
    download_version,
    promote,
    read_ledger,
    versions,
)
from vitforge.tracking import StepRun
from vitforge.tracking.client import mlflow_client
from vitforge.tracking.shipper import Shipper

Register = Callable[[], RegisteredVersion]


@pytest.fixture
def name() -> str:
    return f"digits-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def file_version(
    tmp_path: Path,
    mlflow_uri: str,
    name: str,
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Register]:
    """Runs the step's work, in the same pipeline run every time."""
    spool = tmp_path / "spool"
    monkeypatch.setenv("VITFORGE_SPOOL", str(spool))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    shipper = Shipper(spool, tracking_uri=mlflow_uri, experiment="registration")
    shipper.start()

    def run_step() -> RegisteredVersion:
        with StepRun("register_model") as run:
            config = RegistryConfig(tags={"team": "vision"}, intended_use="To add up.")
            return register(
                sources, model_name=name, config=config, out=tmp_path / "version", run=run
            )

    yield run_step
    shipped = shipper.close(30)
    assert (shipped.pending, shipped.refused, shipped.error) == (0, (), "")


def refuse(sources: Sources) -> None:
    """Turn the verdict into a refusal."""
    path = sources.verdict / VERDICT_FILE
    row = Verdict.load(path).rows[0].model_copy(update={"outcome": "FAIL", "blocks": True})
    Verdict(outcome="FAIL", rows=(row,)).save(path)


def test_version_holds_everything_and_points_back(
    file_version: Register, mlflow_uri: str, name: str, tmp_path: Path, sources: Sources
) -> None:
    registered = file_version()
    assert registered == RegisteredVersion.load(tmp_path / "version" / VERSION_FILE)
    assert (registered.name, registered.version, registered.challenger) == (name, "1", True)
    (info,) = versions(name, mlflow_uri)
    assert info.aliases == ("challenger",)
    assert (info.verdict, info.tags["metric.top1"], info.tags["team"]) == (
        "PASS",
        "0.9000",
        "vision",
    )

    client = mlflow_client(mlflow_uri)
    model = client.get_logged_model(info.source.removeprefix("models:/"))
    measured = {metric.key: metric for metric in model.metrics}
    assert measured["top1"].value == 0.9 and "accuracy" not in measured
    assert measured["top1"].dataset_digest == info.tags["vitforge.dataset_fingerprint"][:36]
    assert model.source_run_id == registered.run_id == info.run_id
    parent = client.get_run(registered.run_id)
    assert [output.model_id for output in parent.outputs.model_outputs] == [model.model_id]

    card = client.get_model_version(name, "1").description
    assert "To add up." in card and "| top1 | 0.9000 | 0.8500 to 0.9400 | 100 |" in card
    assert "Weakest class: two, accuracy 0.7000 on 33 images." in card
    filed = set(json.loads(info.tags["vitforge.hashes"]))
    assert {"checkpoint/model.safetensors", "evidence/splits.parquet", "bundle/model.onnx"} <= filed


def test_loads_without_pickle_and_answers_in_both_variants(
    file_version: Register,
    mlflow_uri: str,
    images: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    import mlflow

    registered = file_version()
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    recwarn.clear()
    mlflow.set_tracking_uri(mlflow_uri)
    mlflow.set_registry_uri(mlflow_uri)
    sums = images.sum((2, 3))
    for variant, scale in (("auto", 1.0), ("fp32", 1.0), ("int8", 2.0)):
        model = mlflow.pyfunc.load_model(registered.model_uri, model_config={"variant": variant})
        expected = np.exp(scale * sums) / np.exp(scale * sums).sum(-1, keepdims=True)
        np.testing.assert_allclose(model.predict(images), expected, rtol=1e-4)
    assert not [one for one in recwarn if "ype hint" in str(one.message)]


def test_the_same_run_makes_one_version(file_version: Register, name: str, mlflow_uri: str) -> None:
    first, second = file_version(), file_version()
    assert first == second
    assert len(versions(name, mlflow_uri)) == 1


def test_another_bundle_makes_another_version(
    file_version: Register, name: str, mlflow_uri: str, sources: Sources
) -> None:
    file_version()
    (sources.bundle / "labels.json").write_text('["a", "b", "c"]')
    assert file_version().version == "2"
    assert alias_version(name, "challenger", mlflow_uri) == "2"


def test_refused_model_is_registered_but_no_challenger(
    file_version: Register, name: str, mlflow_uri: str, sources: Sources, tmp_path: Path
) -> None:
    refuse(sources)
    assert file_version().challenger is False
    assert alias_version(name, "challenger", mlflow_uri) is None
    with pytest.raises(VitforgeError, match="may not be champion: verdict FAIL"):
        promote(name, "1", "I like it", home=tmp_path)
    assert alias_version(name, "champion", mlflow_uri) is None
    assert read_ledger(tmp_path) == ()
    promote(name, "1", "the old one is worse", home=tmp_path, force=True)
    assert alias_version(name, "champion", mlflow_uri) == "1"
    assert read_ledger(tmp_path)[0].evidence["forced"] == "true"


def test_promotion_keeps_the_way_back(
    file_version: Register, name: str, sources: Sources, tmp_path: Path
) -> None:
    file_version()
    assert champion_predictions(name, tmp_path / "none") is None
    promote(name, "1", "first", home=tmp_path)
    (sources.bundle / "labels.json").write_text('["a", "b", "c"]')
    file_version()
    promote(name, "2", "better", home=tmp_path)
    assert alias_version(name, "champion") == "2"
    assert alias_version(name, "challenger") is None
    promote(name, "2", "twice is once", home=tmp_path)
    rows = [(r.to_version, r.from_version, r.reason) for r in read_ledger(tmp_path)]
    assert rows == [("1", "", "first"), ("2", "1", "better")]
    found = champion_predictions(name, tmp_path / "evidence")
    assert found == ("2", tmp_path / "evidence" / PREDICTIONS_FILE)
    assert found[1].read_bytes() == b"PAR1 predictions"


def test_changed_or_lost_file_is_refused(
    file_version: Register, name: str, home: Path, sources: Sources, tmp_path: Path
) -> None:
    file_version()
    whole = download_version(name, "1", tmp_path / "whole")
    assert sorted(path.name for path in whole.iterdir()) == sorted(
        path.name for path in sources.bundle.iterdir()
    )
    assert (whole / ONNX_FILE).read_bytes() == (sources.bundle / ONNX_FILE).read_bytes()

    source = versions(name)[0].source.removeprefix("models:/")
    (stored,) = (home / "mlflow").rglob(f"{source}/artifacts/artifacts/bundle/{ONNX_FILE}")
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    with pytest.raises(VitforgeError, match=f"{ONNX_FILE} of .* is not the file"):
        download_version(name, "1", tmp_path / "changed")
    stored.unlink()
    with pytest.raises(VitforgeError, match=f"{ONNX_FILE} of .* is missing"):
        download_version(name, "1", tmp_path / "lost")
    assert not (tmp_path / "changed").exists() and not (tmp_path / "lost").exists()


def test_unknown_names_are_told_what_there_is(
    file_version: Register, name: str, tmp_path: Path
) -> None:
    file_version()
    with pytest.raises(VitforgeError) as unknown_version:
        promote(name, "9", "typo", home=tmp_path)
    assert unknown_version.value.mend == "there are: 1"
    with pytest.raises(VitforgeError) as unknown_model:
        promote("no-such", "1", "typo", home=tmp_path)
    assert name in unknown_model.value.mend
    assert alias_version("no-such", "champion") is None


def test_missing_file_is_named(file_version: Register, sources: Sources) -> None:
    (sources.checkpoint / "model.safetensors").unlink()
    with pytest.raises(VitforgeError, match=r"model\.safetensors is missing"):
        file_version()


def test_alias_is_read_alike_with_and_without_mlflow(
    file_version: Register, name: str, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_version()
    cases = ((name, "challenger"), (name, "champion"), ("no-such", "champion"))
    without = [alias_version(*case, mlflow_uri) for case in cases]
    monkeypatch.setattr("vitforge.registry.model_versions._ask_here", lambda *case: None)
    assert [alias_version(*case, mlflow_uri) for case in cases] == without == ["1", None, None]


def test_dead_server_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        for ask in (
            lambda: alias_version("digits", "champion", uri),
            lambda: champion_predictions("digits", tmp_path / "into", uri),
            lambda: promote("digits", "1", "why not", home=tmp_path, tracking_uri=uri),
        ):
            with pytest.raises(VitforgeError, match="does not answer"):
                ask()
