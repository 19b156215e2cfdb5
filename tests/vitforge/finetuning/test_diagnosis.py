"""What the curves say, against curves drawn by hand."""

from collections.abc import Sequence

import pytest
import torch

from vitforge.artifacts import EpochRecord, Preprocessing
from vitforge.config import FinetuningConfig
from vitforge.finetuning.diagnosis import diagnose, plateaued, turning_epoch
from vitforge.finetuning.montage import name_targets


def records(train: Sequence[float], val: Sequence[float | None]) -> list[EpochRecord]:
    return [
        EpochRecord(epoch=at, learning_rate=1e-3, train_loss=t, val_loss=v, images_per_second=1)
        for at, (t, v) in enumerate(zip(train, val, strict=True), 1)
    ]


LEARNS = records([2.3, 1.5, 1.0, 0.7, 0.5, 0.4], [2.2, 1.5, 1.1, 0.9, 0.8, 0.75])
LEVEL = records([2.3, 1.95, 1.9, 1.9, 1.895, 1.9], [2.2, 2.0, 1.97, 1.97, 1.96, 1.97])
TURNS = records([2.3, 1.5, 1.0, 0.5, 0.2, 0.1], [2.2, 1.5, 1.2, 1.25, 1.4, 1.6])
RECIPE = FinetuningConfig(dropout=0.1, drop_path=0.1, label_smoothing=0.1, weight_decay=0.05)


def test_a_healthy_training_has_nothing_to_say() -> None:
    assert diagnose(RECIPE, LEARNS, 0.95, 0.92) == ()
    assert not plateaued(LEARNS) and turning_epoch(LEARNS) is None


def test_overfitting_asks_for_more() -> None:
    told = diagnose(RECIPE, TURNS, 0.99, 0.80)
    assert len(told) == 2
    assert "overfitting: training 99.0%, validation 80.0%" in told[0]
    assert "dropout: 0.1 → 0.2" in told[0] and "weight_decay: 0.05 → 0.1" in told[0]
    assert "lowest in epoch 3" in told[1] and "patience" in told[1]


def test_underfitting_asks_for_less() -> None:
    (told,) = diagnose(RECIPE, LEVEL, 0.40, 0.39)
    assert "underfitting" in told and "dropout: 0.1 → 0" in told
    assert diagnose(RECIPE, LEARNS, 0.40, 0.39) == ()  # low, but still learning
    assert diagnose(RECIPE, LEVEL, 0.90, 0.89) == ()  # level, because it is done


def test_other_tasks_and_few_scores_say_nothing_wrong() -> None:
    assert diagnose(RECIPE, LEARNS, None, None) == ()
    rare = records([2.3, 1.5, 1.0, 0.5], [None, None, None, 1.0])
    assert not plateaued(rare) and turning_epoch(rare) is None
    assert not plateaued(records([1.0], [1.0]))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ([0.0, 1.0, 0.0], "cat"),
        ([0.1 / 3, 0.9 + 0.1 / 3, 0.1 / 3], "cat"),  # smoothed
        ([0.7, 0.3, 0.0], "70% ant, dog"),
    ],
)
def test_captions_of_mixed_images(row: list[float], wanted: str) -> None:
    classes = ("ant", "cat", "dog") if "dog" not in wanted else ("ant", "dog", "cat")
    assert name_targets(torch.tensor([row]), classes) == [wanted]


def test_the_first_batch_can_be_looked_at(tmp_path) -> None:
    """A tile shows the image's own colour: the normalisation is undone."""
    from PIL import Image

    from vitforge.finetuning.montage import draw_montage

    how = Preprocessing(image_size=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    red = torch.tensor([1.0, 0.0, 0.0])
    image = ((red - torch.tensor(how.mean)) / torch.tensor(how.std)).view(3, 1, 1).expand(3, 16, 16)
    draw_montage(image.repeat(9, 1, 1, 1), ["a"] * 9, how, tmp_path / "batch.png")
    sheet = Image.open(tmp_path / "batch.png")
    assert sheet.size == (8 * 112, 2 * (112 + 14))
    assert sheet.getpixel((50, 50)) == (255, 0, 0) == sheet.getpixel((50, 126 + 50))
    assert sheet.getpixel((200, 126 + 50)) == (255, 255, 255)
