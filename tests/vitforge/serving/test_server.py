"""A real server process, asked over HTTP."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from types import SimpleNamespace

import pytest


def start(bundle, *arguments):
    announce = bundle / "announce.json"
    command = [sys.executable, "-m", "vitforge.serving", str(bundle), "--announce", str(announce)]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    stop = time.monotonic() + 60
    while not announce.exists() and process.poll() is None and time.monotonic() < stop:
        time.sleep(0.02)
    url = json.loads(announce.read_text())["url"] if announce.exists() else ""
    return SimpleNamespace(process=process, url=url)


def call(url, body=None, content_type="image/png", **headers):
    request = urllib.request.Request(
        url, data=body, headers={"Content-Type": content_type, **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def server(make_bundle, shared_servers):
    if "server" not in shared_servers:
        arguments = ("--name", "colours", "--version", "3", "--port", "0")
        shared_servers["server"] = start(make_bundle(), *arguments)
    return shared_servers["server"]


@pytest.fixture(scope="module")
def shared_servers():
    servers = {}
    yield servers
    for running in servers.values():
        running.process.terminate()
        running.process.communicate(timeout=20)


def test_raw_body_and_form_get_the_same_answer(server, coloured):
    image = coloured((0, 0, 255))
    status, answer = call(f"{server.url}/predict", image)
    assert status == 200
    assert (answer["label"], len(answer["probabilities"])) == ("blue", 3)
    assert answer["model"] == {"name": "colours", "version": "3", "variant": "fp32"}
    boundary = uuid.uuid4().hex
    form = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    form += image + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    assert call(f"{server.url}/predict", form, kind) == (200, answer)


def test_kserve_protocols_agree(server, coloured):
    image = coloured((0, 200, 0))
    _, plain = call(f"{server.url}/predict", image)
    v1 = f"{server.url}/v1/models/colours:predict"
    assert call(v1, image) == (200, {"predictions": [plain]})
    text = base64.b64encode(image).decode()
    body = json.dumps({"instances": [{"b64": text}, {"b64": text}]}).encode()
    assert call(v1, body, "application/json") == (200, {"predictions": [plain, plain]})
    v2 = f"{server.url}/v2/models/colours/infer"
    by_bytes = {"name": "images", "shape": [1], "datatype": "BYTES", "data": [text]}
    channel = [0.0] * 64, [200 / 255] * 64, [0.0] * 64
    tensor = {
        "name": "images",
        "shape": [1, 3, 8, 8],
        "datatype": "FP32",
        "data": [value for plane in channel for value in plane],
    }
    for given in (by_bytes, tensor):
        status, answer = call(v2, json.dumps({"inputs": [given]}).encode(), "application/json")
        assert status == 200
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        assert outputs["label"] == ["green"]
        assert outputs["probability"] == pytest.approx([plain["probability"]], abs=1e-6)


def test_probes_answer(server):
    assert call(f"{server.url}/") == (200, {"status": "alive"})
    assert call(f"{server.url}/v2/health/ready")[0] == 200
    assert call(f"{server.url}/v1/models/colours") == (200, {"name": "colours", "ready": True})


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "told"),
    [
        ("/predict", b"hello", "image/png", 400, "not an image"),
        ("/predict", b"\x89PNG\r\n\x1a\n" + bytes(8), "image/png", 400, "image"),
        ("/predict", b"", "image/png", 400, "empty"),
        ("/predict", b"x", "multipart/form-data", 400, "boundary"),
        ("/predict", bytes(33 * 2**20), "image/png", 413, "32 MiB"),
        ("/v1/models/colours:predict", b"hello", "image/png", 400, "not an image"),
        ("/v1/models/colours:predict", b"{", "application/json", 400, "format"),
        ("/v1/models/colours:predict", b'{"instances":[5]}', "application/json", 400, "base64"),
        ("/v1/models/colours:predict", b'{"instances":["%"]}', "application/json", 400, "base64"),
        ("/v1/models/other:predict", b"hello", "image/png", 404, "other"),
        ("/v2/models/colours/infer", b"\xff\xd8\xff\xe0", "image/jpeg", 400, ""),
        ("/v2/models/colours/infer", b'{"inputs":[]}', "application/json", 400, "one input"),
        ("/v2/repository/models/colours/unload", b"", "application/json", 501, "one model"),
    ],
)
def test_bad_input_is_told_and_never_a_server_error(server, path, body, kind, status, told):
    answered, content = call(f"{server.url}{path}", body, kind)
    assert answered == status
    assert told in json.dumps(content)
    assert call(f"{server.url}/v2/health/ready")[0] == 200


@pytest.mark.parametrize(
    "tensor",
    [
        {"shape": [1, 3, 8, 8], "datatype": "FP32", "data": [1.0]},
        {"shape": [1, 3, 9, 9], "datatype": "FP32", "data": [0.0] * 243},
        {"shape": [1, 2], "datatype": "FP99", "data": [1.0, 2.0]},
        {"shape": [1, 2], "datatype": "INT64", "data": ["a", "b"]},
    ],
)
def test_bad_tensors_are_told(server, tensor):
    body = json.dumps({"inputs": [{"name": "images", **tensor}]}).encode()
    assert call(f"{server.url}/v2/models/colours/infer", body, "application/json")[0] == 400


def test_truncated_images_are_told(server, coloured):
    whole = coloured((9, 9, 9), size=64)
    status, content = call(f"{server.url}/predict", whole[: len(whole) // 2])
    assert status == 400 and "error" in content


def test_bad_length_header_is_told(server):
    url = f"{server.url}/v2/models/colours/infer"
    headers = {"Inference-Header-Content-Length": "abc"}
    assert call(url, b"{}", "application/octet-stream", **headers)[0] == 400


def test_sigterm_ends_cleanly(make_bundle):
    running = start(make_bundle(), "--port", "0")
    running.process.send_signal(signal.SIGTERM)
    output, _ = running.process.communicate(timeout=20)
    assert running.process.returncode == 0
    assert "Traceback" not in output
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(running.url.rpartition(":")[2])))


def test_port_in_use_is_told_before_anything_loads(make_bundle):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        running = start(make_bundle(), "--port", str(port))
        output, _ = running.process.communicate(timeout=20)
    assert running.process.returncode == 1
    assert f"port {port} is in use" in output and "deployment.port: 0" in output
    assert "Traceback" not in output


def test_changed_weights_do_not_start(make_bundle):
    bundle = make_bundle()
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"\0")
    running = start(bundle, "--port", "0")
    output, _ = running.process.communicate(timeout=20)
    assert running.process.returncode == 1
    assert "not the file whose answers were checked" in output


def test_the_server_needs_no_torch(make_bundle):
    code = (
        "import sys; import vitforge.serving.server, vitforge.serving.predictor; "
        "sys.exit(bool({'torch', 'mlflow', 'datasets', 'kfp'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
