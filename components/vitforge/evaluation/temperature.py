"""Temperature scaling, fitted on the validation images and judged on the test images."""

import numpy as np

from vitforge.artifacts import CALIBRATION_FILE, Calibration, MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.calibration import ece_interval
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.rows import NO_RESAMPLES, family_rows
from vitforge.evaluation.thresholds import choose_thresholds
from vitforge.metrics.class_metrics import expected_calibration_error
from vitforge.metrics.family import Family, mean_family
from vitforge.metrics.multi_label import multi_label_families
from vitforge.metrics.predictions import Predictions
from vitforge.metrics.temperature import fit_label_temperature, fit_temperature

NEEDS: Need = "model"
TASKS: tuple[Task, ...] = ("single_label", "multi_label")


def rows(context: Context) -> list[MetricRow]:
    """Row `temperature`, one a label where there are several, and what it does on the test
    images: `nll_scaled`, and `ece_scaled` of a single-label task. Writes `calibration.json`."""
    fitted = fit_calibration(context.validation, context.config.specificity)
    fitted.save(context.out / CALIBRATION_FILE)
    names = context.info.classes if context.found.task == "multi_label" else ("all",)
    note = f"no interval: fitted on {fitted.n:,} validation images"
    told = [
        MetricRow(
            name="temperature",
            value=value,
            n=fitted.n,
            slice=name,
            note=note,
            evidence=CALIBRATION_FILE,
        )
        for name, value in zip(names, fitted.temperatures, strict=True)
    ]
    scaled, level = scale(context.found, fitted.temperatures), context.config.confidence_level
    (nll,) = (
        row for row in family_rows(_likelihood(scaled), context.draws, level) if row.name == "nll"
    )
    told.append(nll.model_copy(update={"name": "nll_scaled", "evidence": CALIBRATION_FILE}))
    if scaled.task == "single_label":
        told.append(_ece(scaled, context))
    return told


def fit_calibration(validation: Predictions, specificity: float) -> Calibration:
    """Fit temperatures, and thresholds of a multi-label task, to validation predictions."""
    if validation.task == "multi_label":
        temperatures = tuple(
            fit_label_temperature(validation.logits[:, k], validation.labels[:, k])
            for k in range(validation.classes)
        )
    else:
        temperatures = (fit_temperature(validation.logits, validation.labels),)
    scaled = scale(validation, temperatures)
    thresholds = (
        tuple(chosen.value for chosen in choose_thresholds(scaled, specificity))
        if validation.task == "multi_label"
        else ()
    )
    return Calibration(
        task=validation.task,
        temperatures=temperatures,
        thresholds=thresholds,
        n=validation.n,
        nll_before=_likelihood(validation).point()["nll"],
        nll_after=_likelihood(scaled).point()["nll"],
    )


def scale(found: Predictions, temperatures: tuple[float, ...]) -> Predictions:
    """The same answers with logits divided by the temperatures."""
    divisor = np.asarray(temperatures, dtype=np.float32)
    return Predictions.of(
        found.ids, found.labels, found.logits / divisor, found.task, slices=found.slices
    )


def _likelihood(found: Predictions) -> Family:
    if found.task == "multi_label":
        return multi_label_families(found)[0]
    return mean_family({"nll": found.nll})


def _ece(scaled: Predictions, context: Context) -> MetricRow:
    bins, level = context.config.ece_bins, context.config.confidence_level
    value = expected_calibration_error(scaled.confidence, scaled.correct, bins)
    low, high = None, None
    if context.draws.resamples:
        low, high = ece_interval(
            scaled.confidence, scaled.correct, bins=bins, level=level, draws=context.draws
        )
    return MetricRow(
        name="ece_scaled",
        value=value,
        low=low,
        high=high,
        n=scaled.n,
        note="with the temperature; bootstrap, allowing for the bias"
        if context.draws.resamples
        else NO_RESAMPLES,
        evidence=CALIBRATION_FILE,
    )
