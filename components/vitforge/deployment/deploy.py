"""The work of `deploy_model`: rehearse every version, take the champion live."""

from pathlib import Path
from typing import TypedDict

from vitforge import registry
from vitforge.artifacts import DEPLOYMENT_FILE, VERSION_FILE, Deployment, RegisteredVersion
from vitforge.config import DeploymentConfig
from vitforge.deployment.local import deployments_folder, fetch_bundle
from vitforge.deployment.reconcile import reconcile
from vitforge.deployment.rehearsal import Rehearsal, rehearse
from vitforge.registry.model_versions import CHAMPION
from vitforge.tracking import StepRun


class Who(TypedDict):
    """A version, as keyword arguments."""

    name: str
    version: str


def deploy(version_folder: Path, config: DeploymentConfig, out: Path, run: StepRun) -> Deployment:
    """Prove that a version can serve; serve it if a person has made it the champion.

    Args:
        version_folder: Folder of the version artifact.
        config: Target, address, variant.
        out: Folder of the deployment artifact.
        run: The step's run.

    Returns:
        What was done; also written to `deployment.json`.

    Raises:
        VitforgeError: if the version cannot be fetched, cannot serve, or answers otherwise than
            the pipeline.
    """
    version = RegisteredVersion.load(version_folder / VERSION_FILE)
    done = _deploy(version, config, run)
    done.save(out / DEPLOYMENT_FILE)
    run.tags({"deployment": done.status, "url": done.url})
    if done.start_seconds:
        run.metrics({"start_seconds": done.start_seconds, "answer_ms": done.answer_ms})
    run.note(f"{done.status}: {done.detail}")
    run.progress(3, 3, done.status)
    return done


def _deploy(version: RegisteredVersion, config: DeploymentConfig, run: StepRun) -> Deployment:
    who: Who = {"name": version.name, "version": version.version}
    if config.target == "none":
        return Deployment(status="skipped", detail="deployment.target is none", **who)
    is_champion = registry.alias_version(version.name, CHAMPION) == version.version
    promote = (
        f"go live with: vitforge promote {version.name} {version.version}"
        if version.challenger
        else "a gate refused it, so it does not go live"
    )
    if not config.rehearse and not is_champion:
        return Deployment(status="skipped", detail=f"not the champion; {promote}", **who)
    run.progress(0, 3, "fetching the bundle")
    bundle = fetch_bundle(version.name, version.version)
    rehearsal: Rehearsal | None = None
    if config.rehearse:
        run.progress(1, 3, "rehearsing on a real server")
        log = deployments_folder(version.name) / "logs" / f"rehearsal-{version.version}.log"
        rehearsal = rehearse(bundle, config=config, log=log, **who)
        run.file(log)
        if not is_champion:
            return Deployment(
                status="rehearsed",
                detail=f"answers as the pipeline does; {promote}",
                variant=rehearsal.variant,
                start_seconds=rehearsal.start_seconds,
                answer_ms=rehearsal.answer_ms,
                **who,
            )
    run.progress(2, 3, "going live")
    found = reconcile(version.name, config, rehearsal=rehearsal)
    if found.refused:
        raise found.refused
    if found.champion != version.version:
        return Deployment(status="rehearsed", detail=f"no longer the champion; {promote}", **who)
    return found.deployment or Deployment(status="live", detail=found.detail, **who)
