"""Every line of the document's check lists is on the page, answered or with its way out."""

from vitforge.artifacts import GateRow, MetricRow, Verdict
from vitforge.gates.checklist import checklist_section
from vitforge.gates.measured import Measured
from vitforge.gates.page import summary, verdict_section
from vitforge.gates.production import LISTS

LINES = [check.line for checks in LISTS.values() for check in checks]


def gate_row(metric: str, outcome: str, *, blocks: bool = False) -> GateRow:
    return GateRow.model_validate(
        {"metric": metric, "outcome": outcome, "value": 0.3, "low": 0.2, "high": 0.4, "n": 96,
         "threshold": "<= 0.1", "blocks": blocks, "evidence": "metrics.json", "change": "less"}
    )  # fmt: skip


def test_every_line_is_there_with_a_way_to_measure_it() -> None:
    assert len(LINES) == 28
    page = checklist_section({}, Verdict(outcome="PASS", rows=())).html
    assert page.count("not measured") == len(LINES)
    assert page.count("How to: ") == len(LINES)
    assert "do confidence scores match actual accuracy?" in page
    assert "Have rollback plan for model updates" in page


def test_a_measured_line_shows_value_interval_n_evidence_and_its_gate() -> None:
    row = MetricRow(
        name="shift_drop", value=0.3109, low=0.289, high=0.332, n=96, note="paired bootstrap"
    )
    verdict = Verdict(outcome="PASS", rows=(gate_row("shift_drop", "FAIL"),))
    page = checklist_section(
        {("shift_drop", "all"): Measured(row, "metrics.json")}, verdict, {"batch_size": "64"}
    ).html
    block = page[page.index("accuracy drops &gt;10%") :]
    block = block[: block.index("Adversarial")]
    for text in ("ALARM", "0.3109", "0.289 to 0.332", "n = 96", "metrics.json: paired bootstrap."):
        assert text in block
    assert "recorded" in page


def test_the_verdict_names_what_stands_in_the_way_first() -> None:
    rows = (gate_row("ece", "PASS"), gate_row("shift_drop", "FAIL"),
            gate_row("top1", "FAIL", blocks=True), gate_row("r2", "NOT APPLICABLE"))  # fmt: skip
    verdict = Verdict(outcome="FAIL", rows=rows)
    assert summary(verdict) == "FAIL: 1 of 3 gates (shift_drop ALARM, top1 FAIL)"
    page = verdict_section(verdict).html
    lines = page[page.index('class="lines"') :]
    places = [lines.index(f"<code>{name}</code>") for name in ("top1", "shift_drop", "ece", "r2")]
    assert places == sorted(places)
    assert "What would change it: less." in lines
