"""`ids.json` in the spool: which MLflow runs the steps are filed under."""

import os
import time
from pathlib import Path

from pydantic import Field

from vitforge.artifacts import ArtifactModel
from vitforge.errors import VitforgeError
from vitforge.tracking.client import TRACKING_VARIABLE
from vitforge.tracking.step import SPOOL_VARIABLE

IDS_FILE = "ids.json"


class RunIds(ArtifactModel):
    """The run tree in MLflow."""

    tracking_uri: str
    experiment_id: str
    parent_run_id: str
    children: dict[str, str] = Field(default_factory=dict)
    """Run id of each step that has one."""


def wait_for_ids(spool: Path, timeout: float = 60.0, step: str = "") -> RunIds:
    """The runs' ids, once the shipper has made them.

    Args:
        spool: The spool's root, which is the parent of a step's folder.
        timeout: Seconds to wait.
        step: A step whose child run must exist too; empty asks for the parent alone.

    Raises:
        VitforgeError: if they are not there in time, or nobody could ever write them.
    """
    path = spool / IDS_FILE
    until = time.monotonic() + timeout
    while True:
        if path.exists():
            ids = RunIds.load(path)
            if not step or step in ids.children:
                return ids
        elif not os.environ.get(SPOOL_VARIABLE) and not os.environ.get(TRACKING_VARIABLE):
            raise VitforgeError(
                "no MLflow server is named, so there is no run to file this under",
                where=TRACKING_VARIABLE,
                mend="set MLFLOW_TRACKING_URI",
            )
        if time.monotonic() >= until:
            raise VitforgeError(
                f"MLflow has given no run within {timeout:g} s",
                where=os.environ.get(TRACKING_VARIABLE, str(path)),
                mend="see that the MLflow server answers (vitforge doctor), and run again",
            )
        time.sleep(0.05)
