"""The process that walks the DAG with kfp.local; started by `local`, one for a run.

It is a process of its own so that kfp's output goes to the run's log, and so that stopping a run
is stopping one process group.
"""

import json
import logging
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

REQUEST_FILE = "request.json"


def main() -> None:
    """Run the request in the folder named by the first argument."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8"))
    threading.Thread(target=_stop_when_orphaned, daemon=True).start()
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="kfp")

    from kfp import local

    from vitforge_pipelines.dags import DAGS

    dag = DAGS[request["dag"]]
    for task in dag.pipeline_spec.root.dag.tasks.values():
        # A bad input does not get better by trying again, and a person is watching.
        task.ClearField("retry_policy")
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(folder / "artifacts"),
        enable_caching=True,
        cache_root=str(folder / "finished"),
    )
    wanted = dag.pipeline_spec.root.input_definitions.parameters
    try:
        dag(**{key: value for key, value in request["config"].items() if key in wanted})
    except Exception as error:
        logging.error("%s", error)
        sys.exit(1)


def _stop_when_orphaned() -> None:
    """End the process group when the starting process, which holds our input open, is gone."""
    while os.read(sys.stdin.fileno(), 1):  # unbuffered: no lock is held when the interpreter ends
        pass
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main()
