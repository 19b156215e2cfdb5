"""Fetching a model's files from a hub, or refusing at once."""

import os
from pathlib import Path

from vitforge.backbones.weights import find_weights
from vitforge.errors import VitforgeError

TIMEOUT = 5.0
"""Seconds to wait for the hub's first answer."""
WITH_WEIGHTS = ("*.json", "*.safetensors", "README.md")
"""README.md is the model card, which says the licence."""
WAYS_OUT = (
    "give a local folder as backbone, point HF_HOME at a filled cache or HF_ENDPOINT at a mirror, "
    "or set pretrained: false to train from scratch"
)


def fetch_command(repository: str) -> str:
    """What a person types to bring the files of a repository into the cache."""
    files = " ".join(f"--include '{pattern}'" for pattern in WITH_WEIGHTS)
    return f"hf download {repository} {files}"


def in_cache(repository: str) -> bool:
    """Whether a repository's safetensors are here already."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = snapshot_download(
            repository, allow_patterns=list(WITH_WEIGHTS), local_files_only=True
        )
    except (OSError, ValueError, HFValidationError):
        return False
    return any(Path(folder).glob("*.safetensors"))


def hub_answers() -> bool:
    """Whether the hub, or the mirror in its place, answers at all."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
    except Exception:  # whatever the client raises, the hub did not answer
        return False
    return True


def fetch(repository: str, weights: bool = True) -> Path:
    """Bring a hub repository's config and safetensors here, or take them from the cache.

    Args:
        repository: Hub id, `org/name`.
        weights: Whether the weights are wanted too, or only the JSON files.

    Returns:
        The folder that holds the files.

    Raises:
        VitforgeError: if the hub cannot be reached and the cache lacks the files, if there is no
            such repository, or if it holds no safetensors.
    """
    # Read by huggingface_hub when it is imported; its own defaults wait for minutes.
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", str(int(TIMEOUT)))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    patterns = list(WITH_WEIGHTS) if weights else ["*.json"]
    try:
        folder = Path(snapshot_download(repository, allow_patterns=patterns, etag_timeout=TIMEOUT))
    except GatedRepoError:
        raise VitforgeError(
            f"{repository} is gated", where=repository, mend="accept its terms and set HF_TOKEN"
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise VitforgeError(
            f"the hub has no model {repository!r}", where=repository, mend="check the name"
        ) from None
    except (OSError, ValueError, RuntimeError, HfHubHTTPError) as error:
        raise VitforgeError(
            f"the hub cannot be reached and {repository} is not in the cache "
            f"({type(error).__name__})",
            where=os.environ.get("HF_ENDPOINT", "https://huggingface.co"),
            mend=f"where there is a network, {fetch_command(repository)}; or {WAYS_OUT}",
        ) from None
    if weights:
        find_weights(folder, where=repository)
    return folder
