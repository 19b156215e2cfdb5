"""The embedded MLflow server: one process on SQLite, for people who have none.

Every step talks to it over HTTP, so that one process alone opens the database. Several at once on
a fresh SQLite file leave it half-migrated beyond repair.
"""

import base64
import fcntl
import http.client
import json
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from vitforge.artifacts import write_atomically
from vitforge.errors import VitforgeError
from vitforge.tracking.serve import SCHEMA_FILE

HOST = "127.0.0.1"
FIRST_PORT = 5000
LAST_PORT = 5099
READY_SECONDS = 120.0
STATE_FILE = "server.json"
DATABASE_FILE = "mlflow.db"
LOG_FILE = "server.log"
WEBHOOK_KEY_FILE = "webhook.key"


@dataclass(frozen=True)
class Server:
    """A server's process."""

    uri: str
    port: int
    pid: int
    started: bool
    """Whether this call started it."""
    birth: float
    """When the process began, seconds since 1970: a pid alone may be somebody else's by now."""

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return (
                abs(process.create_time() - self.birth) < 1.0
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


class PendingServer:
    """A server that may still be starting; its `uri` is already final."""

    def __init__(self, server: Server, home: Path) -> None:
        self.uri = server.uri
        self._server = server
        self._folder = _folder(home)

    def wait(self, timeout: float = READY_SECONDS) -> Server:
        """Wait until it answers.

        Args:
            timeout: Seconds.

        Raises:
            VitforgeError: if it ended or does not answer in time; `where` names its log.
        """
        until = time.monotonic() + timeout
        while not _answers(self._server.port):
            if not self._server.alive:
                raise self._failure("ended while starting")
            if time.monotonic() > until:
                raise self._failure(f"did not answer within {timeout:g} s")
            time.sleep(0.05)
        return self._server

    def _failure(self, what: str) -> VitforgeError:
        log = self._folder / LOG_FILE
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return VitforgeError(
            f"the MLflow server {what}" + (f": {lines[-1]}" if lines else ""),
            where=str(log),
            mend="read the log, or set MLFLOW_TRACKING_URI to a server of yours",
        )


def start_server(home: Path) -> PendingServer:
    """Find this home's server or start one, without waiting until it answers.

    Args:
        home: The state folder; the server keeps to `mlflow/` below it.

    Raises:
        VitforgeError: if no port from 5000 to 5099 is free.
    """
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "server.lock"):
        found = _recorded(folder)
        if found is None or not found.alive:
            found = _spawn(folder)
            content = json.dumps(asdict(replace(found, started=False)), indent=2)
            write_atomically(folder / STATE_FILE, content.encode())
    return PendingServer(found, home)


def ensure_server(home: Path, timeout: float = READY_SECONDS) -> Server:
    """Find this home's server or start one, and wait until it answers.

    Raises:
        VitforgeError: if it cannot start or does not answer within `timeout` seconds.
    """
    return start_server(home).wait(timeout)


def server_status(home: Path) -> Server | None:
    """This home's server, or None when none runs."""
    found = _recorded(_folder(home))
    return found if found is not None and found.alive else None


def stop_server(home: Path, timeout: float = 10.0) -> bool:
    """End this home's server.

    Returns:
        Whether there was one.
    """
    import psutil

    found = server_status(home)
    if found is not None:
        process = psutil.Process(found.pid)
        process.terminate()
        try:
            process.wait(timeout)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(timeout)
    (_folder(home) / STATE_FILE).unlink(missing_ok=True)
    return found is not None


def _spawn(folder: Path) -> Server:
    import psutil

    database, schema = folder / DATABASE_FILE, folder / SCHEMA_FILE
    if database.exists() and not schema.exists() and not _holds_runs(database):
        # A first migration was cut short: MLflow can neither finish nor repair it.
        database.replace(folder / f"{DATABASE_FILE}.incomplete")
    uri = f"sqlite:///{database}"
    current = schema.exists() and schema.read_text() == version("mlflow")
    outdated = database.exists() and not current
    listener = _bind()
    port = listener.getsockname()[1]
    server = ["--workers", "1", "--host", HOST, "--port", str(port)]
    stores = ["--backend-store-uri", uri, "--artifacts-destination", str(folder / "artifacts")]
    arguments = [str(listener.fileno()), uri if outdated else "", *server, *stores]
    with listener, (folder / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vitforge.tracking.serve", *arguments],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal is not meant for the server
        )
    birth = psutil.Process(process.pid).create_time()
    return Server(f"http://{HOST}:{port}", port, process.pid, started=True, birth=birth)


def _environment(folder: Path) -> dict[str, str]:
    # A variable of the caller's session must not make the server a client of another one.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "_MLFLOW_"))}
    return kept | {
        # The job runner is for GenAI evaluation; without it the server takes half the memory.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Webhooks of this machine to this machine.
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        # A new webhook is heard of after a second, not a minute.
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": _webhook_key(folder / WEBHOOK_KEY_FILE),
    }


def _webhook_key(path: Path) -> str:
    """The key of the webhooks' secrets, kept: under a new one no webhook could be read again."""
    if not path.exists():
        # A Fernet key: 32 bytes, URL-safe base64.
        write_atomically(path, base64.urlsafe_b64encode(secrets.token_bytes(32)))
        path.chmod(0o600)
    return path.read_text(encoding="ascii")


def _bind() -> socket.socket:
    for port in range(FIRST_PORT, LAST_PORT + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError:  # in use
            listener.close()
        else:
            return listener
    raise VitforgeError(
        f"no port from {FIRST_PORT} to {LAST_PORT} is free for the MLflow server",
        mend="end what uses them, or set MLFLOW_TRACKING_URI to a server of yours",
    )


def _answers(port: int) -> bool:
    # http.client and not urllib: a proxy of the environment must not stand in between.
    connection = http.client.HTTPConnection(HOST, port, timeout=2.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().read() == b"OK"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _recorded(folder: Path) -> Server | None:
    try:
        return Server(**json.loads((folder / STATE_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _folder(home: Path) -> Path:
    return home.resolve() / "mlflow"


def _holds_runs(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        try:
            return bool(connection.execute("SELECT 1 FROM runs LIMIT 1").fetchall())
        except sqlite3.Error:
            return False
