"""The container images that steps run in; `components/Dockerfile` makes both."""

import os

from vitforge import __version__

SLIM = os.environ.get("VITFORGE_SLIM_IMAGE", f"vitforge-slim:{__version__}")
"""Without torch: data, gates, registration, deployment."""

GPU = os.environ.get("VITFORGE_GPU_IMAGE", f"vitforge-gpu:{__version__}")
"""With torch: selection, fine-tuning, evaluation, export."""
