"""One of several processes of a training; `torchrun` starts it.

On one machine `finetune_model` does that itself. On several, run on each, with
`TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1` set, so that processes started anew find one another:

    torchrun --nnodes=2 --nproc-per-node=8 --rdzv-backend=c10d --rdzv-endpoint=HOST:29400 \
        -m vitforge.finetuning.worker DATASET PLAN CHECKPOINT
"""

import os
import signal
import sys
import threading
from pathlib import Path

from vitforge.artifacts.record import write_atomically
from vitforge.errors import VitforgeError
from vitforge.finetuning.finetune import train
from vitforge.finetuning.launch import FAILURE_FILE, LAST_WORDS, Failure
from vitforge.tracking import StepRun

STEP = "finetune_model"


def main(dataset: Path, plan: Path, out: Path) -> None:
    """Take part in the training; the first process speaks for all."""
    threading.Thread(target=_stop_when_orphaned, daemon=True).start()
    rank = int(os.environ["RANK"])
    # What the others say stays in a folder that nobody ships.
    run = StepRun(STEP, joins=True)
    with run if rank == 0 else StepRun(f"rank-{rank}", spool=run.folder / "ranks") as mine:
        try:
            train(dataset, plan, out, mine, run.folder)
        except VitforgeError as error:
            # No restart would mend it: all processes raise it, and end as if all were well.
            if rank == 0:
                failure = Failure(cause=error.cause, where=error.where, mend=error.mend)
                failure.save(run.folder / FAILURE_FILE)
        except KeyboardInterrupt:
            pass  # saved; who started us has heard the signal too
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            write_atomically(run.folder / LAST_WORDS.format(rank), said.encode())
            raise


def _stop_when_orphaned() -> None:
    """Ask ourselves to stop when the starting process, which holds our input open, is gone."""
    if not sys.stdin.isatty():
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
