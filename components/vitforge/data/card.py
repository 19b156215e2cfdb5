"""The data card: what a person should know of the data before trusting a model of it."""

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.data.examine import Examination


def data_card(found: Examination) -> str:
    """The card as Markdown, with only what was measured; what nobody knows is asked for.

    Source: Gebru et al. 2021, "Datasheets for Datasets", https://arxiv.org/abs/1803.09010
    """
    info, data = found.info, found.data
    groups = set(data.images.raw.groups) - {""}
    lines = [
        f"# Data set {info.name}",
        "",
        f"- Source: `{info.source}`",
        f"- Fingerprint (SHA-256 over content, labels, split and slices): `{info.fingerprint}`",
        f"- Task: {info.task}" + (f" ({data.raw.found})" if data.raw.found else ""),
        f"- Images: {info.sizes[TRAIN]:,} training, {info.sizes[VAL]:,} validation, "
        f"{info.sizes[TEST]:,} test",
        f"- Classes: {len(info.classes):,}",
        f"- Groups that stay in one split: {len(groups):,}",
        f"- Files left out: {len(info.dropped):,}",
        f"- Median size: {info.statistics.median_width} × {info.statistics.median_height} pixels",
        "",
        "## What the checks found",
        "",
        *(
            f"- **{finding.severity}**, {finding.check}: {finding.cause}"
            for finding in found.findings
        ),
        *(["Nothing."] if not found.findings else []),
        "",
        "## File names",
        "",
        "Images keep their file names in `splits.parquet`, `dataset.json` and the reports, so that "
        "each can be traced. Where a name or a folder says who a person is, rename the files "
        "before the data is prepared. Of DICOM headers nothing is kept but a hash of the patient.",
        "",
        "## For a person to fill in",
        "",
        "Who collected the data, when and how; who labelled it; the licence; whom it does not "
        "represent; what it must not be used for.",
        "",
    ]
    return "\n".join(lines)
