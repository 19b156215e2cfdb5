"""The README's benchmark table, made from the kept results."""

import json
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def table() -> str:
    """The table in Markdown, one row a result."""
    rows = ["| benchmark | here | against | ratio | goal | met |", "|---|---|---|---|---|---|"]
    machines = set()
    for path in sorted((HERE / "results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        machines.add(result["machine"])
        ratio = "" if result["ratio"] is None else f"{result['ratio']:.2f}"
        rows.append(
            f"| [{result['benchmark']}](tests/benchmarks/results/{path.name}) "
            f"| {result['ours']:.4g} {result['unit']} "
            f"| {result['peer_name']}: {result['peer']:.4g} {result['unit']} "
            f"| {ratio} | {result['goal']} | {'yes' if result['met'] else '**no**'} |"
        )
    return "\n".join([*rows, "", f"Measured on: {'; '.join(sorted(machines))}. `make bench`."])


def write_table() -> None:
    """Put the table between the README's markers."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    README.write_text(f"{head}{BEGIN}\n{table()}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    write_table()
