"""`vitforge run` and `vitforge plan`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.console import people, print_json, show_error, stop
from vitforge_pipelines.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from vitforge.config import PipelineConfig
    from vitforge_pipelines.runners.local import RunOutcome

ConfigArgument = Annotated[Path, typer.Argument(help="A config file; `vitforge init` writes one.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change one key, e.g. -s epochs=5."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Start over instead of going on with an unfinished run.")
]


def run(
    config: ConfigArgument,
    set_: SetOption = None,
    fresh: FreshOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would run.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Run the whole pipeline on this machine: data to a registered, rehearsed model.

    Running the same command again goes on with a run that did not finish.

    Exit status: 0 done, 1 a step failed, 2 wrong config, 3 the model was refused, 130 stopped.

    Examples:

        vitforge run pipelines/configs/digits.yaml

        vitforge run my.yaml -s epochs=5 -s finetuning.batch_size=32 --json
    """
    settings = _read(config, set_, json_)
    if dry_run:
        _show_dry_run(settings, json_)
        return
    outcome, result = _execute(settings, "training", fresh, json_)
    if json_:
        print_json(result)
    else:
        _show_result(outcome.folder, result, outcome.unsent)
    if result["verdict"] == "FAIL":
        raise typer.Exit(ExitCode.REFUSED)


def plan(
    config: ConfigArgument,
    set_: SetOption = None,
    fresh: FreshOption = False,
    json_: JsonOption = False,
) -> None:
    """Prepare the data and choose the backbone, and stop before training.

    `vitforge run` of the same config goes on from here.

    Example:

        vitforge plan pipelines/configs/digits.yaml
    """
    from vitforge.artifacts import PLAN_FILE, Plan
    from vitforge_pipelines.runners.local import find_artifact

    outcome, _ = _execute(_read(config, set_, json_), "planning", fresh, json_)
    path = find_artifact(outcome.folder, "plan", PLAN_FILE)
    if path is None:
        stop(VitforgeError("the plan was not written", where=str(outcome.folder)))
    chosen = Plan.load(path)
    if json_:
        print_json(chosen.model_dump(mode="json"))
        return
    people.print(f"\n[bold]{chosen.backbone.display}[/], {chosen.strategy}, {chosen.epochs} epochs")
    people.print(f"about {chosen.expected_seconds:.0f} s of training on this machine")
    for reason in chosen.reasons:
        people.print(f"  {reason}")


def _read(path: Path, changes: list[str] | None, json_: bool) -> PipelineConfig:
    """The config with its changes, and with the state of local data filled in."""
    from vitforge.config import load_config
    from vitforge.data.sources import check_source, source_digest

    try:
        config = load_config(path, dict(_change(text) for text in changes or []))
        check_source(config.dataset)
        updates: dict[str, Any] = {}
        if config.dataset != "digits" and Path(config.dataset).exists():
            updates["dataset"] = str(Path(config.dataset).absolute())
        if not config.data.version and (digest := source_digest(config.dataset)):
            updates["data"] = config.data.model_copy(update={"version": digest})
        return config.model_copy(update=updates)
    except VitforgeError as error:
        stop(error, json_=json_, usage=True)


def _change(text: str) -> tuple[str, Any]:
    import yaml

    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ConfigError(
            f"--set takes KEY=VALUE, not {text!r}",
            mend="for example: --set finetuning.batch_size=32",
        )
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        told = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError(
            f"the value cannot be read: {told}",
            where=f"--set {text}",
            mend="quote a value that holds brackets, braces or colons",
        ) from None


def _execute(
    config: PipelineConfig, dag: Literal["training", "planning"], fresh: bool, quiet: bool
) -> tuple[RunOutcome, dict[str, Any]]:
    """Run a DAG with a live view; leaves with an error shown when a step failed."""
    from vitforge_pipelines.cli.progress import run_view
    from vitforge_pipelines.runners.local import STOPPED_CAUSE, STOPPED_MEND, execute
    from vitforge_pipelines.runners.result import summarize
    from vitforge_pipelines.runners.watch import StepView

    try:
        with run_view(quiet) as view:
            outcome = execute(config, dag=dag, fresh=fresh, watch=view)
    except VitforgeError as error:
        stop(error, json_=quiet)
    result = summarize(outcome)
    failed = outcome.failed
    if outcome.stopped and failed is None:  # between two steps
        failed = StepView("", cause=STOPPED_CAUSE, mend=STOPPED_MEND)
    if failed:
        show_error(
            failed.cause,
            where=failed.where,
            mend=failed.mend,
            step=failed.name or "the run",
            how="stopped" if outcome.stopped else "failed",
        )
        people.print(f"log  {outcome.folder / 'log.txt'}", soft_wrap=True, markup=False)
        if quiet:
            told = {"step": failed.name, "cause": failed.cause, "where": failed.where}
            print_json(result | {"error": told | {"mend": failed.mend}})
        raise typer.Exit(ExitCode.STOPPED if outcome.stopped else ExitCode.FAILED)
    return outcome, result


def _check_backbones(config: PipelineConfig) -> None:
    """Resolve every backbone that the config names; no weights are fetched.

    Raises:
        VitforgeError: if one has no such form, folder or architecture.
    """
    from vitforge.backbones import resolve
    from vitforge.config import Candidate

    candidates = config.selection.candidates
    if config.backbone not in ("", *(candidate.name for candidate in candidates)):
        candidates = (Candidate(backbone=config.backbone),)
    for candidate in candidates:
        resolve(candidate.backbone, candidate.pretrained, candidate.args, candidate.label)


def _show_dry_run(config: PipelineConfig, json_: bool) -> None:
    from vitforge_pipelines.runners.local import TRAINING_STEPS
    from vitforge_pipelines.runners.record import unfinished_runs

    try:
        _check_backbones(config)
    except VitforgeError as error:
        stop(error, json_=json_, usage=True)
    unfinished = next((record.name for _, record in unfinished_runs(config, "subprocess")), None)
    if json_:
        settings = config.model_dump(mode="json", exclude_none=True)
        print_json({"valid": True, "goes_on_with": unfinished, "config": settings})
        return
    people.print(f"the config is valid; steps: {' → '.join(TRAINING_STEPS)}")
    start = f"would go on with {unfinished}" if unfinished else "would start a new run"
    people.print(f"{start}; data set {config.dataset}, {config.epochs} epochs, {config.strategy}")


def _score(metrics: dict[str, float]) -> dict[str, str]:
    """The number that people ask for first; accuracy is told as a share."""
    from vitforge_pipelines.runners.result import SCORES

    for name, title in SCORES.items():
        if name in metrics:
            value = f"{metrics[name]:.2%}" if name == "top1" else f"{metrics[name]:.4f}"
            of = "of" if name == "top1" else "on"
            return {title: f"{value} {of} {metrics['n']:.0f} held-out images"}
    return {}


def _show_result(folder: Path, result: dict[str, Any], unsent: int) -> None:
    from vitforge.artifacts import VERDICT_FILE, Verdict
    from vitforge_pipelines.cli.verdict_table import verdict_table
    from vitforge_pipelines.runners.local import find_artifact

    metrics, model = result["metrics"], result["model"]
    if path := find_artifact(folder, "verdict", VERDICT_FILE):
        people.print()
        people.print(verdict_table(Verdict.load(path)))
    people.print()
    lines = {
        "verdict": result["verdict"],
        **_score(metrics),
        "model": f"{model['name']} version {model['version']}"
        + (", challenger" if model["challenger"] else ", refused"),
        "report": result["report"],
        "MLflow": result["mlflow_url"],
        "time": f"{result['seconds']:.0f} s",
    }
    if model["challenger"]:
        lines["next"] = f"vitforge promote {model['name']} {model['version']}"
    for label, text in lines.items():
        people.print(f"[bold]{label:<8}[/] {text}", soft_wrap=True)
    if unsent:
        people.print(
            f"[yellow]{unsent} tracking events were not taken; they wait in {folder}/spool[/]"
        )
