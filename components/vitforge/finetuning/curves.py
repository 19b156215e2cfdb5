"""The picture of a training: loss, accuracy and learning rate over the epochs."""

from pathlib import Path

from vitforge.artifacts import TrainingSummary
from vitforge.report.charts import chart_style


def draw_curves(summary: TrainingSummary, file: Path) -> None:
    """Write the curves as an image; the file's suffix says which kind."""
    from matplotlib.figure import Figure

    scored = [record for record in summary.epochs if record.val_top1 is not None]
    epochs = [record.epoch for record in summary.epochs]
    with chart_style():
        figure = Figure(figsize=(9.5, 2.8))
        loss, accuracy, rate = figure.subplots(1, 3)
        loss.plot(epochs, [record.train_loss for record in summary.epochs], label="train")
        loss.plot(
            [record.epoch for record in scored], [record.val_loss for record in scored], label="val"
        )
        loss.set(title="Loss, nats", xlabel="epoch")
        loss.legend()
        accuracy.plot(
            [record.epoch for record in scored], [100 * (record.val_top1 or 0) for record in scored]
        )
        accuracy.axvline(summary.best_epoch, color="grey", linestyle=":", linewidth=1)
        accuracy.set(title="Validation top-1, %", xlabel="epoch")
        rate.plot(epochs, [record.learning_rate for record in summary.epochs])
        rate.set(title="Learning rate", xlabel="epoch")
        figure.savefig(file, dpi=110)
