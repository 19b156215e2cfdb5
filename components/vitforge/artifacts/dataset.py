"""The artifact `prepared`: Arrow splits, what they hold, where each image went."""

from vitforge.artifacts.record import ArtifactModel
from vitforge.config.data import Task

TRAIN, VAL, TEST, CALIBRATION = "train", "val", "test", "calibration"
SPLITS = (TRAIN, VAL, TEST, CALIBRATION)
DATASET_FILE = "dataset.json"
SPLITS_FILE = "splits.parquet"


class ImageStatistics(ArtifactModel):
    """Pixels of the training split."""

    mean: tuple[float, float, float]
    """Mean of R, G, B, [0, 1]."""
    std: tuple[float, float, float]
    """Standard deviation of R, G, B, [0, 1]."""
    median_width: int
    """Pixels."""
    median_height: int
    """Pixels."""


class DroppedImage(ArtifactModel):
    """An input that did not make it into the data set."""

    path: str
    reason: str


class DatasetInfo(ArtifactModel):
    """`dataset.json`. Beside it lie the Arrow splits, one folder each, with the columns `image`
    (datasets.Image), `label` and `id` (string, unique). `label` is an int64 index into `classes`;
    of a multi-label task float32 values in [0, 1], one a class, NaN where the loss looks away; of
    a regression a float32; an ordinal label is an int64 index into `classes`, lowest first. Each
    name in `slices` is a further string column `slice_NAME`, empty where unknown."""

    name: str
    source: str
    task: Task = "single_label"
    classes: tuple[str, ...]
    """Empty for a regression."""
    sizes: dict[str, int]
    """Images in each split; calibration images are also training images."""
    class_counts: dict[str, tuple[int, ...]]
    """Images of each class in train, val and test, in the order of `classes`."""
    statistics: ImageStatistics
    fingerprint: str
    """SHA-256 over every image's bytes, label and split, whatever its path or order."""
    seed: int
    dropped: tuple[DroppedImage, ...] = ()
    slices: tuple[str, ...] = ()
    """What the images can be told apart by in evaluation: site, device, sex, age band."""
