"""The README's benchmark table is the kept results, no more and no less."""

import importlib.util
import json
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_table_is_made_from_the_results() -> None:
    spec = importlib.util.spec_from_file_location("table", BENCHMARKS / "table.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readme = module.README.read_text(encoding="utf-8")
    kept = readme.split(module.BEGIN)[1].split(module.END)[0].strip()
    assert kept == module.table(), (
        "make bench writes the table; or: python tests/benchmarks/table.py"
    )


def test_every_result_says_what_it_is() -> None:
    results = list((BENCHMARKS / "results").glob("*.json"))
    assert results
    for path in results:
        result = json.loads(path.read_text(encoding="utf-8"))
        assert {"benchmark", "ours", "peer", "ratio", "goal", "met", "machine"} <= set(result)
        assert result["benchmark"] == path.stem
