"""Against real servers: moto's S3, a storage emulator, and one of Python's own for HTTP."""

import functools
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vitforge.data import remote
from vitforge.data.sources import read_source
from vitforge.errors import VitforgeError

# Else gcsfs asks for the kind of bucket over gRPC, which the emulator does not speak, and waits for
# ever. It reads this when it is imported, which another test may do first.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch) -> Iterator[object]:
    import boto3
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="photos")
    yield client
    server.stop()


def _upload(client, root: Path) -> None:
    for path in root.rglob("*.png"):
        client.upload_file(str(path), "photos", f"set/{path.relative_to(root).as_posix()}")


def test_a_folder_on_s3_is_read_and_followed(bucket, make_folder) -> None:
    root = make_folder({"cat": 3, "dog": 2})
    _upload(bucket, root)
    raw = read_source("s3://photos/set")
    assert (raw.name, raw.classes, len(raw.images)) == ("set", ("cat", "dog"), 5)
    assert raw.images[0].load() == (root / "cat" / "000.png").read_bytes()
    # What changes is copied again, what goes is dropped, the rest stays as it is.
    kept = remote.fetch("s3://photos/set") / "dog" / "001.png"
    before = kept.stat().st_mtime_ns
    changed = (root / "dog" / "000.png").read_bytes()
    bucket.put_object(Bucket="photos", Key="set/cat/000.png", Body=changed)
    bucket.delete_object(Bucket="photos", Key="set/cat/001.png")
    import fsspec

    fsspec.filesystem("s3").invalidate_cache()
    raw = read_source("s3://photos/set")
    assert [image.id for image in raw.images][:2] == ["cat/000.png", "cat/002.png"]
    assert raw.images[0].load() == changed
    assert kept.stat().st_mtime_ns == before


def test_an_absent_bucket_says_so(bucket) -> None:
    with pytest.raises(VitforgeError, match=r"the data cannot be read|nothing under") as caught:
        read_source("s3://nowhere/set")
    assert caught.value.where.startswith("s3://nowhere")


def test_a_folder_on_google_cloud_storage(tmp_path: Path, monkeypatch, make_folder) -> None:
    gcsfs = pytest.importorskip("gcsfs")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    root = make_folder({"cat": 3, "dog": 2})
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="photos")
    server.start()
    gcsfs.GCSFileSystem.clear_instance_cache()
    try:
        store = gcsfs.GCSFileSystem(token="anon")
        store.put(str(root), "photos/set", recursive=True)
        store.clear_instance_cache()
        raw = read_source("gs://photos/set")
        assert (raw.name, raw.classes, len(raw.images)) == ("set", ("cat", "dog"), 5)
        assert raw.images[0].load() == (root / "cat" / "000.png").read_bytes()
        with pytest.raises(VitforgeError, match=r"the data cannot be read|nothing under"):
            read_source("gs://nowhere/set")
    finally:
        server.stop()


def test_without_its_package_gs_names_the_extra(monkeypatch) -> None:
    import sys

    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.delitem(_registry, "gs", raising=False)  # found by another test
    with pytest.raises(VitforgeError, match="a package that is not installed") as caught:
        remote.fetch("gs://photos/set")
    assert caught.value.mend == "pip install 'vitforge[gs]'"


@pytest.fixture
def web(tmp_path: Path, monkeypatch) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "web").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_manifest_and_its_images_over_http(web: str, make_folder, tmp_path: Path) -> None:
    make_folder({"web/a": 2}, name=".")
    rows = "".join(f"{web}/a/00{n}.png,{word}\n" for n, word in enumerate(("cat", "dog")))
    (tmp_path / "web" / "list.csv").write_text("path,label\n" + rows)
    raw = read_source(f"{web}/list.csv")
    assert raw.classes == ("cat", "dog")
    assert raw.images[1].load() == (tmp_path / "web" / "a" / "001.png").read_bytes()
    with pytest.raises(VitforgeError, match="nothing under this URL"):
        read_source(f"{web}/absent.csv")
