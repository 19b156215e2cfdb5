"""The artifacts `verdict`, `version` and `deployed`."""

from typing import Literal

from vitforge.artifacts.record import ArtifactModel

VERDICT_FILE = "verdict.json"
VERSION_FILE = "version.json"
DEPLOYMENT_FILE = "deployment.json"


class GateRow(ArtifactModel):
    """One gate, judged."""

    metric: str
    slice: str = "all"
    """`all`, or the group or condition that was judged."""
    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT APPLICABLE"]
    value: float | None
    low: float | None
    high: float | None
    n: int
    threshold: str
    """e.g. `>= 0.96`."""
    blocks: bool
    """Whether this row refuses the model."""
    evidence: str
    """The file the value comes from, and how it was judged."""
    change: str = ""
    """What would change the outcome."""

    @property
    def name(self) -> str:
        """The metric, with its slice where it is not all images."""
        return self.metric if self.slice == "all" else f"{self.metric}, {self.slice}"


class Verdict(ArtifactModel):
    """`verdict.json`."""

    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    """FAIL when a row blocks; INCONCLUSIVE when one is undecided and none blocks. A row that fails
    without blocking is an alarm: it is told, and changes nothing."""
    rows: tuple[GateRow, ...]
    champion: str = ""
    """The version compared against, or empty."""

    @property
    def alarms(self) -> tuple[GateRow, ...]:
        """Rows that fail and do not refuse the model."""
        return tuple(row for row in self.rows if row.outcome == "FAIL" and not row.blocks)

    @property
    def may_challenge(self) -> bool:
        """Whether the version may carry the alias `challenger`."""
        return not any(row.blocks for row in self.rows)


class RegisteredVersion(ArtifactModel):
    """`version.json`: the model version in MLflow."""

    name: str
    version: str
    model_uri: str
    run_id: str
    tracking_uri: str
    challenger: bool
    hashes: dict[str, str]
    """SHA-256 of every file of the bundle."""


class Deployment(ArtifactModel):
    """`deployment.json`."""

    status: Literal["live", "rehearsed", "skipped"]
    detail: str
    url: str = ""
    variant: str = ""
    name: str = ""
    version: str = ""
    start_seconds: float = 0.0
    """Time from starting the server until it was ready."""
    answer_ms: float = 0.0
    """Time of one prediction for a PNG over HTTP."""
