"""A user's own evaluator, from a file; and plain words for a broken one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vitforge.errors import ConfigError, VitforgeError
from vitforge.evaluation import evaluator as interface
from vitforge.evaluation.evaluate import measure
from vitforge.evaluation.evaluator import Context
from vitforge.metrics.predictions import Predictions

GOOD = interface.__doc__.split("This is a whole one:\n\n")[1]


@pytest.fixture
def run(
    tmp_path: Path,
    make_predictions: Callable[..., Predictions],
    make_context: Callable[..., Context],
) -> Callable[[str], list]:
    def go(source: str) -> list:
        file = tmp_path / "mine.py"
        file.write_text(source)
        context = make_context(make_predictions(60, 3), bootstrap=20, own=(str(file),))
        return list(measure(context)[0].rows)

    return go


def test_the_example_of_the_documentation_runs(run: Callable[[str], list]) -> None:
    import textwrap

    assert run(textwrap.dedent(GOOD))[-1].name == "sure"


@pytest.mark.parametrize(
    ("source", "kind", "told"),
    [
        ("def rows(", ConfigError, "cannot be imported: SyntaxError"),
        ("import nothing_like_it", ConfigError, "ModuleNotFoundError"),
        ('NEEDS = "predictions"', ConfigError, "no function rows"),
        ("def rows(context): return []", ConfigError, "what it needs"),
        (
            'NEEDS = "predictions"\ndef rows(context): return 1 / 0',
            VitforgeError,
            "mine failed: ZeroDivisionError",
        ),
        ('NEEDS = "predictions"\ndef rows(context): return [0.5]', VitforgeError, "gives float"),
        (
            'NEEDS = "predictions"\ndef rows(context): return context.trained',
            VitforgeError,
            "needs the model",
        ),
    ],
)
def test_a_broken_one_is_named(
    run: Callable[[str], list], source: str, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        run(source)


def test_one_that_needs_the_model_is_left_out_without_one(run: Callable[[str], list]) -> None:
    run('NEEDS = "model"\ndef rows(context): raise RuntimeError')


def test_a_missing_file_and_an_unknown_name_to_skip(
    make_predictions: Callable[..., Predictions], make_context: Callable[..., Context]
) -> None:
    found = make_predictions(20, 3)
    with pytest.raises(ConfigError, match="no such evaluator file"):
        measure(make_context(found, own=("nowhere.py",)))
    with pytest.raises(ConfigError, match="no such evaluator: acuracy"):
        measure(make_context(found, skip=("acuracy",)))
    kept = {row.name for row in measure(make_context(found, skip=("calibration",)))[0].rows}
    assert "ece" not in kept and "top1" in kept
