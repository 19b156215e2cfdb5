"""The artifacts `verdict`, `version` and `deployed`."""

from typing import Literal

from vitforge.artifacts.record import ArtifactModel

VERDICT_FILE = "verdict.json"
VERSION_FILE = "version.json"
DEPLOYMENT_FILE = "deployment.json"


class GateRow(ArtifactModel):
    """One gate, judged."""

    metric: str
    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    value: float | None
    low: float | None
    high: float | None
    n: int
    threshold: str
    """e.g. `>= 0.96`."""
    blocks: bool
    """Whether this row refuses the model."""
    evidence: str
    """The file the value comes from, and what would change the outcome."""


class Verdict(ArtifactModel):
    """`verdict.json`."""

    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    """FAIL when a row blocks; INCONCLUSIVE when one is undecided and none blocks."""
    rows: tuple[GateRow, ...]
    champion: str = ""
    """The version compared against, or empty."""

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
