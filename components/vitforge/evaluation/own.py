"""A user's own evaluator: a Python file that is pointed at."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import cast

from vitforge.artifacts import MetricRow
from vitforge.errors import ConfigError, VitforgeError
from vitforge.evaluation.evaluator import EVERY_TASK, Context, Evaluator

WHERE = "evaluation.own"


def load_own(path: str) -> tuple[str, Evaluator]:
    """Load one file; its name without `.py` names it. `TASKS` may be left out: then it takes any.

    Raises:
        ConfigError: if the file is missing, cannot be imported, or is no evaluator.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise ConfigError(
            "there is no such evaluator file", where=f"{WHERE}: {path}", mend="give its path"
        )
    spec = importlib.util.spec_from_file_location(f"vitforge_own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(
            "an evaluator is a Python file", where=f"{WHERE}: {path}", mend="name a .py file"
        )
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(
            f"the evaluator cannot be imported: {type(error).__name__}: {error}",
            where=f"{WHERE}: {path}",
            mend=f"python {path} shows the error",
        ) from error
    _check(module, path)
    return file.stem, cast(Evaluator, module)


def checked_rows(name: str, evaluator: Evaluator, context: Context) -> list[MetricRow]:
    """Run a user's own evaluator, and say plainly what is wrong with it.

    Raises:
        VitforgeError: if it fails, or gives something else than rows.
    """
    try:
        found = list(evaluator.rows(context))
    except VitforgeError:
        raise
    except Exception as error:
        raise VitforgeError(
            f"the evaluator {name} failed: {type(error).__name__}: {error}",
            where=WHERE,
            mend="mend the file, or take it out of evaluation.own",
        ) from error
    strange = next((row for row in found if not isinstance(row, MetricRow)), None)
    if strange is not None:
        raise VitforgeError(
            f"the evaluator {name} gives {type(strange).__name__}, not MetricRow",
            where=WHERE,
            mend="return a list of vitforge.artifacts.MetricRow",
        )
    return found


def _check(module: ModuleType, path: str) -> None:
    if not callable(getattr(module, "rows", None)):
        raise ConfigError(
            "the evaluator has no function rows(context)",
            where=f"{WHERE}: {path}",
            mend="vitforge/evaluation/evaluator.py shows a whole one",
        )
    if getattr(module, "NEEDS", None) not in ("predictions", "model"):
        raise ConfigError(
            "the evaluator does not say what it needs",
            where=f"{WHERE}: {path}",
            mend='write NEEDS = "predictions", or "model"',
        )
    if not hasattr(module, "TASKS"):
        module.TASKS = EVERY_TASK  # type: ignore[attr-defined]
