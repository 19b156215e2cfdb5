"""`gate_model`: every demand judged, with its evidence."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from vitforge.artifacts import (
    METRICS_FILE,
    PREDICTIONS_FILE,
    REPORT_FILE,
    VERDICT_FILE,
    GateRow,
    Metrics,
    Verdict,
    write_atomically,
)
from vitforge.config import Gate, GatesConfig
from vitforge.config.data import Task
from vitforge.config.metric_names import METRICS, unknown_metric
from vitforge.errors import ConfigError
from vitforge.gates.champion import compare_with_champion
from vitforge.gates.checklist import checklist_section
from vitforge.gates.decide import Decision, decide, not_applicable, not_measured
from vitforge.gates.how_to import how_to_measure
from vitforge.gates.measured import Key, Measured, collect, saved_task
from vitforge.gates.page import summary, verdict_section
from vitforge.report import insert_first
from vitforge.tracking import StepRun


def judge(
    predictions: Path,
    metrics: Path,
    bundle: Path,
    *,
    model_name: str,
    config: GatesConfig,
    out: Path,
    run: StepRun,
    recipe: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """Judge a model; a refusal is a verdict, not an error.

    Args:
        predictions: Folder of the predictions artifact.
        metrics: Folder of the evaluation artifact.
        bundle: Folder of the bundle artifact.
        model_name: The registered model whose champion is the rival.
        config: The gates.
        out: Where `verdict.json` and `report.html` (the evaluation's, verdict first) go.
        run: The step's run.
        recipe: How the model was trained, for the check list.

    Raises:
        ConfigError: if a gate asks for a metric that does not exist.
        VitforgeError: if an artifact is missing or damaged.
    """
    verdict, found = reach_verdict(
        predictions, metrics, bundle, model_name=model_name, config=config
    )
    page = (metrics / REPORT_FILE).read_text("utf-8")
    # The last one put first stands first.
    for section in (checklist_section(found, verdict, recipe), verdict_section(verdict)):
        page = insert_first(page, section)
    write_atomically(out / REPORT_FILE, page.encode())
    verdict.save(out / VERDICT_FILE)
    _log(verdict, out, run)
    return verdict


def reach_verdict(
    predictions: Path, metrics: Path, bundle: Path, *, model_name: str, config: GatesConfig
) -> tuple[Verdict, dict[Key, Measured]]:
    """Judge what was saved; no model is run, and nothing is written.

    Returns:
        The verdict, and everything that was measured.

    Raises:
        As `judge`.
    """
    measures = Metrics.load(metrics / METRICS_FILE)
    task = saved_task(predictions / PREDICTIONS_FILE)
    found = collect(measures, bundle, task)
    rows = judge_rules(config, found, task)
    version, against = compare_with_champion(
        predictions, model_name=model_name, config=config, level=measures.confidence_level
    )
    rows += against
    return Verdict(outcome=overall(rows), rows=tuple(rows), champion=version), found


def judge_rules(
    config: GatesConfig, found: Mapping[Key, Measured], task: Task = "single_label"
) -> list[GateRow]:
    """Judge every rule, whatever the others say.

    Raises:
        ConfigError: naming every unknown metric and the nearest known one.
    """
    own = {name for name, _ in found}
    unknown = [
        told
        for rule in config.rules
        if rule.metric not in own and (told := unknown_metric(rule.metric))
    ]
    if unknown:
        raise ConfigError("; ".join(unknown), where="gates.rules")
    return [_judge_rule(rule, found, task) for rule in config.rules]


def _judge_rule(rule: Gate, found: Mapping[Key, Measured], task: Task) -> GateRow:
    measured = found.get((rule.metric, rule.slice))
    if measured:
        return decide(rule, measured)
    if task not in METRICS.get(rule.metric, (task,)):
        return not_applicable(rule, task)
    slices = sorted(slice_ for name, slice_ in found if name == rule.metric)
    if slices:
        near = difflib.get_close_matches(rule.slice, slices, n=1, cutoff=0.4)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(slices[:10])}"
        return not_measured(rule, f"no slice {rule.slice}: {known}")
    return not_measured(rule, how_to_measure(rule.metric))


def overall(rows: list[GateRow]) -> Decision:
    """FAIL when a row blocks; INCONCLUSIVE when one is undecided and none blocks."""
    if any(row.blocks for row in rows):
        return "FAIL"
    return "INCONCLUSIVE" if any(row.outcome == "INCONCLUSIVE" for row in rows) else "PASS"


def _log(verdict: Verdict, out: Path, run: StepRun) -> None:
    run.tags({"verdict": verdict.outcome, "champion": verdict.champion})
    run.metrics(
        {
            f"gate/{row.metric}": row.value
            for row in verdict.rows
            if row.value is not None and row.slice == "all"
        }
    )
    run.file(out / REPORT_FILE, headline=True)
    run.file(out / VERDICT_FILE)
    run.note(summary(verdict))
