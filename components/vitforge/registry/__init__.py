"""The model registry: versions, aliases, the way back to their files, and who promoted what."""

from vitforge.registry.aliases import drop_alias, set_alias, set_challenger
from vitforge.registry.download import champion_predictions, download_version
from vitforge.registry.evidence import check_evidence, check_promotable
from vitforge.registry.ledger import LedgerRow, append_row, last_row, read_ledger
from vitforge.registry.model_versions import (
    CHAMPION,
    DEPLOYED,
    PREVIOUS,
    VersionInfo,
    alias_version,
    reject,
    versions,
)
from vitforge.registry.promotion import evidence_of, previous_version, promote

__all__ = [
    "CHAMPION",
    "DEPLOYED",
    "PREVIOUS",
    "LedgerRow",
    "VersionInfo",
    "alias_version",
    "append_row",
    "champion_predictions",
    "check_evidence",
    "check_promotable",
    "download_version",
    "drop_alias",
    "evidence_of",
    "last_row",
    "previous_version",
    "promote",
    "read_ledger",
    "reject",
    "set_alias",
    "set_challenger",
    "versions",
]
