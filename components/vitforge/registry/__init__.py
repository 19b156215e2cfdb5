"""The model registry: versions, aliases, the way back to their files, and who promoted what."""

from vitforge.registry.download import champion_predictions, download_version
from vitforge.registry.model_versions import VersionInfo, alias_version, versions
from vitforge.registry.promotion import check_promotable, promote, read_ledger, set_challenger

__all__ = [
    "VersionInfo",
    "alias_version",
    "champion_predictions",
    "check_promotable",
    "download_version",
    "promote",
    "read_ledger",
    "set_challenger",
    "versions",
]
