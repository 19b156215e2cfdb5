"""A verdict in the terminal."""

from rich.table import Table

from vitforge.artifacts import Verdict

_STYLES = {"PASS": "green", "FAIL": "red", "ALARM": "yellow", "INCONCLUSIVE": "yellow"}


def verdict_table(verdict: Verdict) -> Table:
    """One row a gate: outcome, value, interval, n, threshold."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("gate", "", "value", "interval", "n", "threshold"):
        table.add_column(header, justify="right" if header in ("value", "n") else "left")
    for row in verdict.rows:
        alarm = row.outcome == "FAIL" and not row.blocks
        outcome = "ALARM" if alarm else row.outcome
        told = row.low is not None and row.high is not None and row.n
        table.add_row(
            row.name,
            f"[{_STYLES.get(outcome, 'dim')}]{outcome}[/]",
            "" if row.value is None else f"{row.value:.4g}",
            f"{row.low:.4g} to {row.high:.4g}" if told else "",
            str(row.n or ""),
            row.threshold,
        )
    return table
