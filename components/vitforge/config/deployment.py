"""Settings of `deploy_model`."""

from typing import Literal

from pydantic import Field

from vitforge.config.section import Section


class DeploymentConfig(Section):
    """Where the champion answers."""

    target: Literal["local", "none"] = "local"
    """`local`: a server process on this machine; `none`: leave deployment to others."""

    host: str = "127.0.0.1"
    """Address the server listens on."""

    port: int = Field(default=8080, ge=0, le=65535)
    """Port the server listens on; 0 takes a free one."""

    rehearse: bool = True
    """Start every new version once on a free port and compare its answers with the pipeline's,
    so that a version that cannot serve is found before anyone promotes it."""

    variant: Literal["auto", "fp32", "int8"] = "auto"
    """ONNX file to serve; `auto` takes INT8 where it passed parity and is at least 10 % faster."""

    ready_seconds: float = Field(default=60.0, gt=0.0)
    """How long a server may take to become ready, seconds."""
