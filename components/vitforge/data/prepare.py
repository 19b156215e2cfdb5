"""The work of `prepare_data`, in order."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vitforge.artifacts import DATASET_FILE, REPORT_FILE, SPLITS_FILE, TEST, TRAIN, VAL, DatasetInfo
from vitforge.config import DataConfig
from vitforge.data.card import data_card
from vitforge.data.checks import Finding
from vitforge.data.checks.finding import counted
from vitforge.data.examine import Examination, examine
from vitforge.data.layout import lay_out, split_schema
from vitforge.data.page import dataset_report
from vitforge.data.write import write_list, write_shards
from vitforge.errors import VitforgeError
from vitforge.folders import whole_folder
from vitforge.tracking import StepRun

CARD_FILE = "data_card.md"


def prepare(source: str, seed: int, config: DataConfig, out: Path, run: StepRun) -> DatasetInfo:
    """Read a data set, check every image, split it, and write the dataset artifact.

    What has been read and written stays in a hidden folder beside `out` until the artifact is
    whole, so a step that was stopped goes on from there.

    Args:
        source: `digits`, a folder, a manifest, a URL or a hub id; see `check_source`.
        seed: Seed of the split.
        config: The section `data`.
        out: Folder of the artifact; replaced when everything is written, untouched before.
        run: The step's run.

    Returns:
        What was written to `dataset.json`.

    Raises:
        VitforgeError: if the source is not there, is not laid out as a data set, its images do
            not make one, or a check finds a failure, such as leakage.
        OSError: if the disk refuses.
    """
    # Arrow's own allocator keeps what each thread gave back, so that the step grows with the data;
    # which one is taken is settled when pyarrow is loaded.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    scratch = out.parent / f".{out.name}.unfinished"
    found = examine(source, seed, config, run, scratch)
    failures = [finding for finding in found.findings if finding.severity == "failure"]
    if failures:
        _log_report(found, run)
        raise _refusal(failures)
    data = found.data
    with ThreadPoolExecutor(1) as aside:  # the report is drawn while the disk is busy
        report = aside.submit(dataset_report, found)
        shards = write_shards(
            scratch / "shards", data.raw, data.images, data.splits, found.calibration, run
        )
    with whole_folder(out) as folder:
        found.info.save(folder / DATASET_FILE)
        report.result().save(folder / REPORT_FILE)
        write_list(folder / SPLITS_FILE, data.images, data.splits)
        for split, files in shards.items():
            lay_out(folder / split, split_schema(data.raw), files)
    shutil.rmtree(scratch, ignore_errors=True)
    _tell(found, run)
    run.file(out / REPORT_FILE)
    return found.info


def _refusal(failures: list[Finding]) -> VitforgeError:
    return VitforgeError(
        "; ".join(failure.cause for failure in failures),
        where=failures[0].where,
        mend=failures[0].mend,
    )


def _log_report(found: Examination, run: StepRun) -> None:
    """The report of a refused data set, which has no artifact to lie in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / REPORT_FILE
        dataset_report(found).save(path)
        run.file(path)


def _tell(found: Examination, run: StepRun) -> None:
    info = found.info
    sizes = [info.sizes[split] for split in (TRAIN, VAL, TEST)]
    run.note(
        f"{counted(sum(sizes), 'image')}, {counted(len(info.classes), 'class', 'classes')}, "
        f"split {'/'.join(str(size) for size in sizes)}"
    )
    if info.dropped:
        run.note(f"{counted(len(info.dropped), 'file')} left out; the report lists them")
    for finding in found.findings:
        if finding.severity == "warning":
            run.note(f"{finding.check}: {finding.cause}")
    run.metrics(
        {f"{split}_images": size for split, size in info.sizes.items()}
        | {"classes": len(info.classes), "dropped_images": len(info.dropped)}
        | {"data_warnings": sum(finding.severity == "warning" for finding in found.findings)}
    )
    run.dataset_input(
        info.name,
        info.fingerprint,
        info.source,
        {"sizes": info.sizes, "classes": len(info.classes), "seed": info.seed},
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CARD_FILE
        path.write_text(data_card(found), encoding="utf-8")
        run.file(path)
