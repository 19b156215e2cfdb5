"""The step `deploy_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from vitforge import container


@dsl.component(base_image=container.SLIM, install_kfp_package=False)
def deploy_model(
    version: Input[Artifact],
    deployment: dict[str, Any],
    deployed: Output[Artifact],
) -> None:
    """Rehearse the version on a real server; take it live if it is the champion."""
    from vitforge.tracking import StepRun

    with StepRun("deploy_model") as run:
        from pathlib import Path

        from vitforge.config import DeploymentConfig, parse
        from vitforge.deployment.deploy import deploy

        run.params({"deployment": deployment})
        deploy(
            Path(version.path),
            parse(DeploymentConfig, deployment, "deployment"),
            Path(deployed.path),
            run,
        )
