"""The objective of a task, with what it must know of the training labels."""

import torch
from torch import Tensor

from vitforge.config import FinetuningConfig
from vitforge.config.data import Task
from vitforge.errors import ConfigError
from vitforge.training.objectives.multi_label import MultiLabel
from vitforge.training.objectives.objective import Objective
from vitforge.training.objectives.ordinal import Ordinal
from vitforge.training.objectives.regression import Regression
from vitforge.training.objectives.single_label import SingleLabel


def choose_objective(
    task: Task, classes: int, labels_N: Tensor, recipe: FinetuningConfig
) -> Objective:
    """The task's objective.

    Args:
        task: What the labels are.
        classes: Number of classes K; 0 for a regression.
        labels_N: Labels of the training images: class weights, mean and spread come from them.
        recipe: Holds `label_smoothing`, `class_weights`, `best_by` and the losses' kinds.

    Raises:
        ConfigError: if the recipe asks for what the task does not have.
    """
    weights = recipe.class_weights
    if weights != "none" and task not in ("single_label", "multi_label"):
        raise ConfigError(
            f"class weights have no meaning for the task {task}",
            where="finetuning.class_weights",
            mend="set class_weights: none; balanced_sampling works for ordinal classes",
        )
    if task == "single_label":
        weights_K = None if weights == "none" else _balanced(labels_N, classes)
        return SingleLabel(classes, recipe.label_smoothing, weights_K, recipe.best_by)
    if task == "multi_label":
        weights_K = None if weights == "none" else _positives(labels_N)
        return MultiLabel(
            recipe.multi_label_loss, recipe.label_smoothing, weights_K, recipe.best_by
        )
    if task == "ordinal":
        return Ordinal(classes, recipe.best_by)
    std = labels_N.double().std(unbiased=False).item()
    mean = labels_N.double().mean().item()
    return Regression(mean, std or 1.0, recipe.regression_loss, recipe.best_by)


def _balanced(labels_N: Tensor, classes: int) -> Tensor:
    """n / (K · n_k): the weights' mean over the images is 1."""
    counts_K = torch.bincount(labels_N, minlength=classes).clamp(min=1)
    return (len(labels_N) / (classes * counts_K)).float()


def _positives(labels_NK: Tensor) -> Tensor:
    """Negatives over positives of each class, of the known labels."""
    positives_K = (labels_NK > 0.5).sum(0)
    return ((labels_NK <= 0.5).sum(0) / positives_K.clamp(min=1)).clamp(min=1e-3).float()
