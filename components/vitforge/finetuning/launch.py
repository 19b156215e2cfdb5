"""Starting one training as several processes on this machine, and hearing how it ended."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from vitforge.artifacts import ArtifactModel
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun
from vitforge.tracking.step import SPOOL_VARIABLE
from vitforge.training.interruption import stop_requests

FAILURE_FILE = "failure.json"
LAST_WORDS = "died-{}.txt"
"""What a process died of, named by its rank; the last attempt's."""
RESTARTS = 3
"""How often torchrun starts all processes anew, from the last snapshot, after one has died."""

FRESH_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""A store of addresses for each attempt. In one that torchrun keeps, processes started anew find
the dead ones' addresses, and who reads too early is refused, in every attempt again."""


class Failure(ArtifactModel):
    """`failure.json`: why the processes ended; no restart would mend it."""

    cause: str
    where: str
    mend: str


def process_count(wanted: int | Literal["auto"], device: Literal["auto", "cpu", "cuda"]) -> int:
    """Resolve `auto`: a process a GPU, and one on a CPU."""
    if wanted != "auto":
        return wanted
    if device == "cpu":
        return 1
    import torch

    return max(1, torch.cuda.device_count())


def launch(dataset: Path, plan: Path, out: Path, run: StepRun, processes: int) -> None:
    """Run the training in several processes of `vitforge.finetuning.worker`, and wait.

    A process that dies is started again with all others, and they go on from the last snapshot.
    A request to stop is passed on; they save and end.

    Args:
        dataset: The dataset artifact.
        plan: The plan artifact.
        out: Folder of the checkpoint artifact, written by the first process.
        run: The first process goes on in it.
        processes: Count, 2 or more.

    Raises:
        VitforgeError: what the first process raised; or that processes died again and again.
        KeyboardInterrupt: after Ctrl-C.
    """
    failure = run.folder / FAILURE_FILE
    failure.unlink(missing_ok=True)
    for old in run.folder.glob(LAST_WORDS.format("*")):
        old.unlink()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", f"--max-restarts={RESTARTS}"]
    command += ["-m", "vitforge.finetuning.worker", str(dataset), str(plan), str(out)]
    environment = os.environ | {SPOOL_VARIABLE: str(run.folder.parent), **FRESH_STORE}
    # Unless told otherwise torchrun gives every process one thread.
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    with stop_requests() as stop:
        # The processes read from this pipe, and stop when its other end is gone with us.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
        told = False
        while process.poll() is None:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                if stop.signal and not told:
                    process.terminate()
                    told = True
        if failure.exists():
            said = Failure.load(failure)
            raise VitforgeError(said.cause, where=said.where, mend=said.mend)
        if stop.signal:
            stop.obey("the last snapshot is kept")
    if process.returncode:
        raise VitforgeError(
            f"the training's processes died {RESTARTS + 1} times",
            where="; ".join(last_words(run.folder)) or f"exit status {process.returncode}",
            mend="the trace is in the run's log; the same command goes on from the last snapshot",
        )


def last_words(folder: Path) -> list[str]:
    """What each process of the last attempt died of, in the step's own folder."""
    files = sorted(folder.glob(LAST_WORDS.format("*")))
    return [f"{file.stem.replace('died-', 'process ')}: {file.read_text()}" for file in files]
