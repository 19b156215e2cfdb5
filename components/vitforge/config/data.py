"""Settings of `prepare_data`."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.section import AtLeastOne, Count, Fraction, Section

Task = Literal["single_label", "multi_label", "regression", "ordinal"]
LabelPolicy = Literal["ones", "zeros", "ignore", "soft"]
EVERY_LABEL = "*"


class DataConfig(Section):
    """How images become a split that can be trusted."""

    task: Task | Literal["auto"] = "auto"
    """What is learnt; `auto` finds it from the labels and says what it found."""

    path_column: str = ""
    """Manifest column of the image's path; empty finds it by its usual names."""

    label_columns: tuple[str, ...] = ()
    """Manifest columns of labels: one, or for multi-label one a label; empty finds them."""

    group_column: str = ""
    """Manifest column of the group (a patient, say); empty finds it by its usual names."""

    time_column: str = ""
    """Manifest column of the time, needed by `split_by: time`; empty finds it."""

    split_column: str = ""
    """Manifest column of the official split; empty finds it by its usual names."""

    slice_columns: tuple[str, ...] = ()
    """Manifest columns (site, device, sex) that evaluation reports by: each, and crossed. The
    group's own column is hashed."""

    order: tuple[str, ...] = ()
    """Classes of an ordinal task, lowest first; empty sorts numbers by value, words by letter."""

    missing_labels: dict[str, LabelPolicy] = Field(default_factory=dict)
    """What a blank means, by multi-label label, `*` for all others: `ones`, `zeros`, `soft`
    (0.15), or `ignore`, the default: the loss leaves it out."""

    uncertain_labels: dict[str, LabelPolicy] = Field(default_factory=dict)
    """What an uncertain label (-1) means, by label, `*` for all others: as above; soft is 0.7."""

    split_by: Literal["class", "time"] = "class"
    """`class` stratifies; `time` trains on the oldest images and tests on the newest."""

    official_lists: dict[str, str] = Field(default_factory=dict)
    """Files with one image a line, by split: `{test: test_list.txt}`."""

    splits_file: str = ""
    """A `splits.parquet` of an earlier run, to have exactly its split again."""

    folds: Count = 0
    """Folds of k-fold cross-validation, count; 0 draws one split by fractions."""

    fold: Count = 0
    """The fold that is the test split, [0, folds)."""

    leaked: Literal["fail", "drop"] = "fail"
    """What happens to images of train and val that are also in a later split: refuse the data,
    or drop them from the earlier one."""

    val_fraction: float = Field(default=0.1, gt=0.0, lt=0.5)
    """Share of all images for validation, (0, 0.5): early stopping and calibration look at it."""

    test_fraction: float = Field(default=0.2, gt=0.0, lt=0.5)
    """Share of all images held out for the final numbers, (0, 0.5); never seen while training."""

    calibration_images: Count = 128
    """Training images set apart for INT8 calibration, count; 0 switches static INT8 off."""

    min_images_per_class: int = Field(default=3, ge=3)
    """Fewest readable images a class may have, count: one for each of train, val and test."""

    max_dropped: Fraction = 0.01
    """Share of unreadable images above which the data is refused, [0, 1]."""

    max_pixels: AtLeastOne = 178_956_970
    """Largest image that is decoded, pixels; guards against decompression bombs."""

    workers: Count = 0
    """Processes that read images, count; 0 takes one a core."""

    version: str = ""
    """A word for the state of the data. The CLI fills in a digest of the files' names, sizes and
    times, so that changed data is prepared anew; on a cluster, change it to defeat the cache."""

    @model_validator(mode="after")
    def _folds_fit(self) -> "DataConfig":
        if self.folds == 1 or (self.folds and self.fold >= self.folds):
            raise ValueError("folds is 0 or at least 2, and fold is below it")
        return self
