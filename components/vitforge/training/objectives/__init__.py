"""What a task asks of the training: targets, loss, and the score that picks the best epoch."""

from vitforge.training.objectives.choose import choose_objective
from vitforge.training.objectives.objective import Objective, Score

__all__ = ["Objective", "Score", "choose_objective"]
