"""Running a DAG on this machine: tracking server, orchestrator, spool, and an honest end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitforge.config import PipelineConfig
from vitforge.errors import VitforgeError
from vitforge.tracking.step import SPOOL_VARIABLE
from vitforge_pipelines.runners.home import home
from vitforge_pipelines.runners.orchestrator import REQUEST_FILE
from vitforge_pipelines.runners.record import RECORD_FILE, RunRecord, open_run
from vitforge_pipelines.runners.watch import StepView, Watch

LOG_FILE = "log.txt"
SPOOL_FOLDER = "spool"
LAST_WORDS_SECONDS = {"finished": 30.0, "failed": 8.0, "stopped": 8.0}
"""How long an ended run waits for the tracking server to take what is left."""
STOPPED_CAUSE = "stopped by hand"
STOPPED_MEND = "run the same command again to go on from here"

TRAINING_STEPS = (
    "prepare_data",
    "select_model",
    "finetune_model",
    "evaluate_model",
    "export_model",
    "gate_model",
    "register_model",
    "deploy_model",
)
DAG_STEPS = {"training": TRAINING_STEPS, "planning": TRAINING_STEPS[:2]}


@dataclass(frozen=True)
class RunOutcome:
    """How a local run ended."""

    folder: Path
    record: RunRecord
    steps: dict[str, StepView]
    kept: tuple[str, ...]
    """Steps whose results were taken over from the unfinished run."""
    mlflow_url: str
    unsent: int
    """Tracking events that the server did not take; they stay in the run's spool."""
    seconds: float
    stopped: bool = False
    """Whether a person ended it."""

    @property
    def failed(self) -> StepView | None:
        """The step that failed, or None."""
        return next((view for view in self.steps.values() if view.state == "failed"), None)


def execute(
    config: PipelineConfig,
    *,
    dag: Literal["training", "planning"] = "training",
    runner: Literal["subprocess", "docker"] = "subprocess",
    fresh: bool = False,
    watch: Callable[[Path, Watch], None] = lambda folder, watch: None,
) -> RunOutcome:
    """Run a DAG here, or go on with the run of the same config that did not finish.

    Raises:
        VitforgeError: if the tracking server that the environment names is away, or none starts.

    Args:
        config: What to run; `data.version` is part of what makes two runs the same.
        dag: Which DAG.
        runner: Where steps run.
        fresh: Start over, whatever is there.
        watch: Called about ten times a second with the run's folder and the state of its steps.
    """
    from vitforge.tracking.client import is_reachable
    from vitforge.tracking.server import start_server
    from vitforge.tracking.shipper import Shipper

    began = time.time()
    outside = os.environ.get("MLFLOW_TRACKING_URI")
    if outside and not is_reachable(outside):
        raise VitforgeError(
            "the MLflow server does not answer",
            where=f"MLFLOW_TRACKING_URI={outside}",
            mend="start it, or unset MLFLOW_TRACKING_URI to use the embedded one",
        )
    with open_run(config, runner, fresh) as (folder, record, resumed):
        spool = folder / SPOOL_FOLDER
        state = Watch(spool, DAG_STEPS[dag])
        state.update()
        kept = state.keep_finished() if resumed else ()
        server = None if outside else start_server(home())
        uri = outside or (server.uri if server else "")
        shipper = Shipper(
            spool,
            tracking_uri=uri,
            experiment=config.registry.experiment,
            parent_run_id=record.parent_run_id or os.environ.get("MLFLOW_RUN_ID"),
            run_name=record.name,
            tags={"vitforge.dataset": config.dataset, "vitforge.model_name": config.model_name},
        )
        shipper.start()
        process = _start_orchestrator(folder, config, dag, uri)
        try:
            while process.poll() is None:
                state.update()
                watch(folder, state)
                time.sleep(0.1)
        except KeyboardInterrupt:
            _end_group(process, signal.SIGINT)
            ended: Literal["finished", "failed", "stopped"] = "stopped"
        else:
            ended = "finished" if process.returncode == 0 else "failed"
        state.update()
        _tell_silent_end(state, ended, folder)
        watch(folder, state)
        if ended != "finished" and state.failed and state.failed.started:
            shipper.fail(state.failed.name)
        # A person waits to read what failed; what is not sent by then is sent by the next run.
        shipped = shipper.close(LAST_WORDS_SECONDS[ended])
        record = record.model_copy(
            update={
                "state": ended if dag == "training" or ended != "finished" else "stopped",
                "finished": time.time(),
                "parent_run_id": shipped.parent_run_id or "",
            }
        )
        record.save(folder / RECORD_FILE)
    return RunOutcome(
        folder=folder,
        record=record,
        steps=state.steps,
        kept=kept,
        mlflow_url=_run_url(uri, shipped.experiment_id, shipped.parent_run_id),
        unsent=shipped.pending,
        seconds=time.time() - began,
        stopped=ended == "stopped",
    )


def find_artifact(folder: Path, name: str, file: str) -> Path | None:
    """A file of the newest artifact called `name` in a run's folder, or None."""
    found = (folder / "artifacts").glob(f"*/*/{name}/{file}")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _start_orchestrator(
    folder: Path, config: PipelineConfig, dag: str, tracking_uri: str
) -> subprocess.Popen[bytes]:
    request = {"dag": dag, "config": config.model_dump(mode="json", exclude_none=True)}
    (folder / REQUEST_FILE).write_text(json.dumps(request, indent=2), encoding="utf-8")
    # A thread that waits for another sleeps: spinning takes the core from the one that is waited
    # for as soon as anything else runs here, and a step of training may take ten times as long.
    environment = {
        "OMP_WAIT_POLICY": "passive",
        **os.environ,
        SPOOL_VARIABLE: str(folder / SPOOL_FOLDER),
        "MLFLOW_TRACKING_URI": tracking_uri,
        "VITFORGE_HOME": str(home()),
        "PYTHONWARNINGS": "ignore",
    }
    with (folder / LOG_FILE).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "vitforge_pipelines.runners.orchestrator", str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _end_group(process: subprocess.Popen[bytes], first: signal.Signals) -> None:
    """Ask the orchestrator and its step to end, and insist after a few seconds."""
    for sign, patience in ((first, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def _tell_silent_end(state: Watch, ended: str, folder: Path) -> None:
    if ended == "stopped":
        state.stop(STOPPED_CAUSE, STOPPED_MEND)
    elif ended == "failed" and not state.failed:
        silent = state.stop(
            "the step's process ended without a word: it was killed, or ran out of memory",
            f"look at the end of {folder / LOG_FILE}, then run the same command again",
        )
        if silent is None:  # the orchestrator itself failed, between steps
            view = next(
                (view for view in state.steps.values() if view.state == "waiting"),
                list(state.steps.values())[-1],
            )
            view.state, view.cause = "failed", "the pipeline ended although no step failed"
            view.mend = f"look at the end of {folder / LOG_FILE}"


def _run_url(uri: str, experiment_id: str | None, run_id: str | None) -> str:
    if not (uri and experiment_id and run_id):
        return ""
    return f"{uri.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
