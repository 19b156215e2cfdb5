"""The one interface of every evaluator, built in or a user's own file.

An evaluator is a module. This is a whole one:

    \"\"\"How many test images are brighter than the rest.\"\"\"

    from vitforge.artifacts import MetricRow
    from vitforge.evaluation.evaluator import Context

    NEEDS = "predictions"
    TASKS = ("single_label",)

    def rows(context: Context) -> list[MetricRow]:
        sure = context.found.confidence > 0.9
        return [MetricRow(name="sure", value=sure.mean(), n=len(sure), note="no interval: a count")]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from vitforge.artifacts import EVIDENCE_FOLDER, VAL, DatasetInfo, MetricRow, write_atomically
from vitforge.config import EvaluationConfig
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws

if TYPE_CHECKING:  # torch, and what stands on it, only where a model is run
    from vitforge.evaluation.trained import Trained
    from vitforge.report import Section

Need: TypeAlias = Literal["predictions", "model"]
EVERY_TASK: tuple[Task, ...] = ("single_label", "multi_label", "regression", "ordinal")
CLASS_TASKS: tuple[Task, ...] = ("single_label", "ordinal")


def _silent(done: float, total: float, text: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Context:
    """All that an evaluator may look at."""

    found: Predictions
    """The clean pass over the test images."""
    info: DatasetInfo
    config: EvaluationConfig
    seed: int
    """Seed of every random choice."""
    out: Path
    """Folder of the metrics artifact."""
    dataset: Path
    """Folder of the dataset artifact; `vitforge.splits.open_split` reads it."""
    model: "Trained | None" = None
    """The model; None where saved predictions are judged again."""
    progress: Callable[[float, float, str], None] = _silent
    """Tells the person who watches: done, total, what."""

    @cached_property
    def draws(self) -> Draws:
        """The bootstrap's draws of the test images, one set for every evaluator."""
        return Draws(self.found.n, self.config.bootstrap, self.seed)

    @property
    def trained(self) -> "Trained":
        """The model, for an evaluator that needs it.

        Raises:
            VitforgeError: where there is none.
        """
        if self.model is None:
            raise VitforgeError(
                "this evaluator needs the model, and only its predictions are here",
                mend='write NEEDS = "model" in the evaluator\'s file',
            )
        return self.model

    @cached_property
    def validation(self) -> Predictions:
        """The model's answers for the validation images, for what is fitted to answers.

        Raises:
            VitforgeError: where there is no model.
        """
        from vitforge.evaluation.predict import predict

        return predict(
            self.trained,
            self.dataset,
            self.info,
            VAL,
            batch_size=self.config.batch_size,
            progress=self.progress,
        )

    def keep(self, name: str, content: bytes) -> str:
        """Write an evidence file; the path returned belongs into `MetricRow.evidence`."""
        write_atomically(self.out / EVIDENCE_FOLDER / name, content)
        return f"{EVIDENCE_FOLDER}/{name}"


class Evaluator(Protocol):
    """A module that measures one thing.

    It may also have `sections(context, rows) -> list[Section]`, which draws its part of the
    report; see `draw`.
    """

    NEEDS: Need
    """`predictions`: the clean pass is enough; `model`: images go through the model again."""
    TASKS: Sequence[Task]
    """Tasks that it can measure; it is left out for any other."""

    def rows(self, context: Context) -> list[MetricRow]:
        """Measure; every row has an interval, or its note says why not."""


def applies(evaluator: Evaluator, context: Context) -> bool:
    """Whether the evaluator knows the task, and has what it needs."""
    ready = evaluator.NEEDS == "predictions" or context.model is not None
    return ready and context.found.task in evaluator.TASKS


def draw(evaluator: Evaluator, context: Context, rows: Sequence[MetricRow]) -> "list[Section]":
    """The evaluator's part of the report; none where it has no `sections`."""
    sections = getattr(evaluator, "sections", None)
    return list(sections(context, rows)) if sections else []
