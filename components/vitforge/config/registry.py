"""Settings of `register_model`."""

from pydantic import Field

from vitforge.config.section import Section


class RegistryConfig(Section):
    """How the model version is filed in MLflow."""

    experiment: str = Field(default="vitforge", min_length=1)
    """MLflow experiment that the run is filed under."""

    tags: dict[str, str] = Field(default_factory=dict)
    """Tags put on the model version."""

    intended_use: str = ""
    """One sentence for the model card."""
