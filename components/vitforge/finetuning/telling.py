"""What a training says about itself on its run, while it goes on."""

from statistics import median

from vitforge.artifacts import DatasetInfo, EpochRecord, Preprocessing
from vitforge.finetuning.montage import draw_montage, name_targets
from vitforge.tracking import StepRun
from vitforge.training.alarms import Alarm
from vitforge.training.feed import Batch
from vitforge.training.gradient_flow import FlowSample
from vitforge.training.watching import Pace


class Teller:
    """Puts what a `Watcher` sees on the run.

    Args:
        run: Of the step.
        info: Names the classes.
        how: Undoes the normalisation for the picture of the first batch.
    """

    def __init__(self, run: StepRun, info: DatasetInfo, how: Preprocessing) -> None:
        self._run, self._info, self._how = run, info, how

    def epoch(self, record: EpochRecord) -> None:
        """Log an epoch's values, at the epoch."""
        values = record.model_dump(exclude={"epoch", "val_metrics"}, exclude_none=True)
        named = {f"val_{name}": value for name, value in record.val_metrics.items()}
        self._run.metrics({**values, **named}, step=record.epoch)

    def pace(self, pace: Pace) -> None:
        """Log loss, learning rate, speed and memory, at the step."""
        values = {
            "step/loss": pace.loss,
            "step/learning_rate": pace.learning_rate,
            "step/images_per_second": pace.images_per_second,
        }
        if pace.memory_mib is not None:
            values["step/memory_mib"] = pace.memory_mib
        self._run.metrics(values, step=pace.step)

    def flow(self, sample: FlowSample, alarms: list[Alarm]) -> None:
        """Log each block's norms, and the figures to watch; say alarms at once."""
        values = {"gradient/norm": sample.norm}
        series = {
            "gradient/attention": sample.attention_norms,
            "gradient/mlp": sample.mlp_norms,
            "update/block": sample.update_ratios,
            "attention_entropy/layer": tuple(spread.entropy for spread in sample.spreads),
        }
        for name, blocks in series.items():
            values |= {f"{name}_{at:02}": v for at, v in enumerate(blocks) if v is not None}
        if sample.attention_over_mlp is not None:
            values["gradient/attention_over_mlp"] = sample.attention_over_mlp
        ratios = [ratio for ratio in sample.update_ratios if ratio is not None]
        if ratios:
            values["update/median"] = median(ratios)
        self._run.metrics(values, step=sample.step)
        for alarm in alarms:
            self._run.note(f"alarm: {alarm}")
            self._run.tags({f"vitforge.alarm.{alarm.kind}": str(alarm)})

    def batch(self, batch: Batch) -> None:
        """Log a picture of the first batch, as it is trained on."""
        if batch.inputs.ndim != 4 or batch.inputs.shape[1] != 3:
            return  # what follows a frozen part is no picture
        file = self._run.folder / "first_batch.png"
        if self._info.task == "single_label":
            captions = name_targets(batch.targets, self._info.classes)
        else:
            captions = [", ".join(f"{v:.3g}" for v in row) for row in batch.targets.tolist()]
        draw_montage(batch.inputs, captions, self._how, file)
        self._run.file(file, "training")
