"""One inference server as a child process: started, waited for, stopped."""

import json
import subprocess
import sys
import time
from pathlib import Path

from vitforge.deployment.client import is_ready
from vitforge.errors import VitforgeError

POLL_SECONDS = 0.05
LOG_LINES = 15


class ServerProcess:
    """A running `python -m vitforge.serving`.

    Args:
        bundle: Folder of the bundle.
        name: Registered model.
        version: Its version.
        variant: `auto`, `fp32` or `int8`.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        log: File that takes the server's output; the announcement lies beside it.
        share_port: Take over from an older server of ours on the same port.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        name: str,
        version: str,
        variant: str,
        host: str,
        port: int,
        log: Path,
        share_port: bool = False,
    ) -> None:
        self.log = log
        self._announcement = log.with_suffix(".announce.json")
        self._announcement.unlink(missing_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "vitforge.serving", str(bundle)]
        command += ["--name", name, "--version", version, "--variant", variant]
        command += ["--host", host, "--port", str(port), "--announce", str(self._announcement)]
        if share_port:
            command.append("--share-port")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is not meant for the server
            )
        self.pid = self._process.pid
        self.url = ""
        self.variant = ""

    def wait_ready(self, seconds: float) -> None:
        """Wait until it answers.

        Raises:
            VitforgeError: if it ends or is not ready in time, with its last log lines; it is
                stopped then.
        """
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            if self._process.poll() is not None:
                raise self._failure(f"ended with exit code {self._process.returncode}")
            if not self.url and self._announcement.exists():
                told = json.loads(self._announcement.read_text(encoding="utf-8"))
                self.url, self.variant = told["url"], told["variant"]
            if self.url and is_ready(self.url):
                self._announcement.unlink(missing_ok=True)
                return
            time.sleep(POLL_SECONDS)
        self.stop()
        raise self._failure(f"was not ready within {seconds:g} s (deployment.ready_seconds)")

    def stop(self, seconds: float = 15.0) -> None:
        """End it: politely, then not."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._announcement.unlink(missing_ok=True)

    def _failure(self, what: str) -> VitforgeError:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        told = " / ".join(line.strip() for line in lines if line.strip()) or "it said nothing"
        mend = "deployment.port: 0 takes a free port" if "is in use" in told else ""
        return VitforgeError(f"the server {what}: {told}", where=str(self.log), mend=mend)
