"""`gate_model`: every demand judged, with its evidence."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from vitforge.artifacts import (
    METRICS_FILE,
    REPORT_FILE,
    VERDICT_FILE,
    GateRow,
    Metrics,
    Verdict,
    write_atomically,
)
from vitforge.config import GatesConfig
from vitforge.errors import ConfigError
from vitforge.gates.champion import compare_with_champion
from vitforge.gates.decide import Outcome, decide, not_measured
from vitforge.gates.measured import BUNDLE_METRICS, Measured, collect
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

    Raises:
        ConfigError: if a gate asks for a metric that does not exist.
        VitforgeError: if an artifact is missing or damaged.
    """
    measures = Metrics.load(metrics / METRICS_FILE)
    found = collect(measures, bundle)
    rows = judge_rules(config, found)
    version, against = compare_with_champion(
        predictions,
        model_name=model_name,
        margin=config.champion_margin,
        level=measures.confidence_level,
    )
    if against:
        rows.append(against)
    verdict = Verdict(outcome=overall(rows), rows=tuple(rows), champion=version)
    page = insert_first((metrics / REPORT_FILE).read_text("utf-8"), verdict_section(verdict))
    write_atomically(out / REPORT_FILE, page.encode())
    verdict.save(out / VERDICT_FILE)
    _log(verdict, out, run)
    return verdict


def judge_rules(config: GatesConfig, found: Mapping[str, Measured]) -> list[GateRow]:
    """Judge every rule, whatever the others say.

    Raises:
        ConfigError: naming every unknown metric and the nearest known one.
    """
    known = sorted({*found, *BUNDLE_METRICS})
    unknown = [rule.metric for rule in config.rules if rule.metric not in known]
    if unknown:
        near = [difflib.get_close_matches(name, known, n=1, cutoff=0.4) for name in unknown]
        raise ConfigError(
            f"no such metric: {', '.join(unknown)}",
            where="gates.rules",
            mend="; ".join(f"did you mean {match[0]}?" for match in near if match)
            or f"known are {', '.join(known)}",
        )
    return [
        decide(rule, found[rule.metric]) if rule.metric in found else not_measured(rule)
        for rule in config.rules
    ]


def overall(rows: list[GateRow]) -> Outcome:
    """FAIL when a row blocks; INCONCLUSIVE when one is undecided and none blocks."""
    if any(row.blocks for row in rows):
        return "FAIL"
    return "INCONCLUSIVE" if any(row.outcome == "INCONCLUSIVE" for row in rows) else "PASS"


def _log(verdict: Verdict, out: Path, run: StepRun) -> None:
    run.tags({"verdict": verdict.outcome, "champion": verdict.champion})
    run.metrics({f"gate/{row.metric}": row.value for row in verdict.rows if row.value is not None})
    run.file(out / REPORT_FILE, headline=True)
    run.file(out / VERDICT_FILE)
    run.note(summary(verdict.rows, verdict.outcome))
