"""What a training's curves say: over- or underfitting, and what the guide would change."""

from collections.abc import Sequence

from vitforge.artifacts import EpochRecord
from vitforge.config import FinetuningConfig
from vitforge.planning.guide import Signs, advise

LEVEL = 0.05
"""Share of the whole fall of the training loss that a half without learning stays under."""
RISE = 0.10
"""Share by which the validation loss ends above its lowest, from which it has turned."""


def diagnose(
    recipe: FinetuningConfig,
    records: Sequence[EpochRecord],
    train_top1: float | None,
    val_top1: float | None,
) -> tuple[str, ...]:
    """Sentences for a person, one a sign; empty when nothing is to be seen.

    Args:
        recipe: That was trained with.
        records: One for each epoch.
        train_top1: Of the final model on training images without augmentation, [0, 1]; None
            where accuracy means nothing.
        val_top1: Of the final model, [0, 1].
    """
    told = []
    if train_top1 is not None and val_top1 is not None:
        signs = Signs(train_top1=train_top1, val_top1=val_top1, plateaued=plateaued(records))
        for advice in advise(recipe, signs)[1]:
            change = "; next time " + ", ".join(advice.changed) if advice.changed else ""
            told.append(f"{advice.saw}{change}")
    turned = turning_epoch(records)
    if turned is not None:
        told.append(
            f"the validation loss was lowest in epoch {turned} and rose after it while the "
            f"training loss fell: fewer epochs, or finetuning.patience, give the same model sooner"
        )
    return tuple(told)


def plateaued(records: Sequence[EpochRecord]) -> bool:
    """Whether the second half of a training taught it nothing, in either loss.

    A warm-up's or a cosine's last epochs move little by themselves; half a training does not.
    """
    half = len(records) // 2
    losses = [record.train_loss for record in records]
    scored = [r for r in records if r.val_loss is not None]
    if half < 2 or len(scored) < 2:
        return False
    fall = losses[0] - min(losses)
    late = min(losses[:half]) - min(losses[half:])
    first = [r.val_loss or 0.0 for r in scored if r.epoch <= half]
    second = [r.val_loss or 0.0 for r in scored if r.epoch > half]
    if not first or not second:
        return False
    val_fall = scored[0].val_loss or 0.0
    val_late = min(first) - min(second)
    return late <= LEVEL * abs(fall) and val_late <= LEVEL * abs(val_fall - min(first + second))


def turning_epoch(records: Sequence[EpochRecord]) -> int | None:
    """The epoch of the lowest validation loss, if it rose for good after it; else None."""
    scored = [(r.val_loss, r) for r in records if r.val_loss is not None]
    if len(scored) < 3:
        return None
    lowest, best = min(scored, key=lambda pair: pair[0])
    last, end = scored[-1]
    turned = last > (1 + RISE) * lowest and end.train_loss < best.train_loss
    return best.epoch if turned else None
