"""The picture of a training: loss, the deciding metric and learning rate over the epochs."""

from typing import Any

from vitforge.artifacts import TrainingSummary
from vitforge.report.charts import chart_style


def draw_curves(summary: TrainingSummary) -> Any:
    """The curves as a matplotlib figure."""
    from matplotlib.figure import Figure

    scored = [record for record in summary.epochs if record.val_metrics]
    percent = summary.metric in ("top1", "balanced_accuracy", "macro_f1", "mean_average_precision")
    name = "top-1" if summary.metric == "top1" else summary.metric.replace("_", " ")
    epochs = [record.epoch for record in summary.epochs]
    with chart_style():
        figure = Figure(figsize=(9.5, 2.8))
        loss, metric, rate = figure.subplots(1, 3)
        loss.plot(epochs, [record.train_loss for record in summary.epochs], label="train")
        loss.plot(
            [record.epoch for record in scored], [record.val_loss for record in scored], label="val"
        )
        loss.set(title="Loss", xlabel="epoch")
        loss.legend()
        metric.plot(
            [record.epoch for record in scored],
            [record.val_metrics[summary.metric] * (100 if percent else 1) for record in scored],
        )
        metric.axvline(summary.best_epoch, color="grey", linestyle=":", linewidth=1)
        metric.set(title=f"Validation {name}" + ", %" * percent, xlabel="epoch")
        rate.plot(epochs, [record.learning_rate for record in summary.epochs])
        rate.set(title="Learning rate", xlabel="epoch")
    return figure
