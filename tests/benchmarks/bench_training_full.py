"""Full training to the same accuracy: growing images and dropped patches, against plain loops.

All start from the same random weights, decode the same JPEGs and make the same number of passes.
"""

import tempfile
from pathlib import Path

from harness import keep
from peers import Work, by_timm, by_trainer, ours, write_digits

TRAIN, VAL, SIZE, TIMES = 1100, 400, 64, 2.0
FASTER = {"smallest_size": 32, "patch_dropout": 0.25}


def main() -> None:
    """Measure and keep."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_digits(folder, SIZE, TRAIN, VAL)
        work = Work(
            folder,
            "vit_tiny_patch16_224",
            {
                "img_size": SIZE,
                "patch_size": 8,
                "embed_dim": 96,
                "depth": 4,
                "num_heads": 4,
                "weight_init": "moco",
            },
            SIZE,
            epochs=10,
            rate=1e-3,
            batch=32,
        )
        seconds, top1, _ = ours(work, **FASTER)
        timm_seconds, timm_top1 = by_timm(work)
        trainer_seconds, trainer_top1 = by_trainer(work, folder / "trainer")
        plain_seconds, plain_top1, _ = ours(work)
    peer, best = min(timm_seconds, trainer_seconds), max(timm_top1, trainer_top1)
    error = (best * (1 - best) / VAL) ** 0.5
    keep(
        "training_full",
        ours=seconds,
        peer=peer,
        goal="at most half of the faster peer's time, accuracy within one standard error",
        met=seconds * TIMES <= peer and top1 >= best - error,
        unit="s",
        peer_name="the faster of timm's loop and the HF Trainer",
        times_faster=peer / seconds,
        timm_seconds=timm_seconds,
        trainer_seconds=trainer_seconds,
        top1=top1,
        timm_top1=timm_top1,
        trainer_top1=trainer_top1,
        standard_error=error,
        without_growing_and_dropping=[plain_seconds, plain_top1],
    )


if __name__ == "__main__":
    main()
