"""The model card: what a version is for, how good it is, where it stops, where it comes from."""

from vitforge.artifacts import (
    DatasetInfo,
    MetricRow,
    Metrics,
    Parity,
    Plan,
    VariantParity,
    Verdict,
)
from vitforge.config import RegistryConfig
from vitforge.config.data import Task

_SCORES = {"top1": "top-1", "auroc": "mean AUROC", "r2": "R²"}
_NAMES = {
    "single_label": "Classes",
    "multi_label": "Labels",
    "ordinal": "Classes, lowest first",
}
_CLASS = (
    "It answers with one of its classes whatever it is shown; it does not know an image that "
    "belongs to none."
)
_ALWAYS: dict[Task, str] = {
    "single_label": _CLASS,
    "ordinal": _CLASS,
    "multi_label": "It judges only the labels that it has; an image without any called label is "
    "not for that an image without findings.",
    "regression": "It answers with a value whatever it is shown, also beyond the range of the "
    "training targets, where it was never tried.",
}


def write_card(
    model_name: str,
    config: RegistryConfig,
    *,
    info: DatasetInfo,
    plan: Plan,
    metrics: Metrics,
    parity: Parity,
    verdict: Verdict,
    run_id: str,
) -> str:
    """The card, in Markdown.

    Args:
        model_name: Registered model.
        config: Says what the model is meant for.
        info: The data set.
        plan: The choices made.
        metrics: The test metrics.
        parity: The exported files against the trained model.
        verdict: What the gates said.
        run_id: The MLflow run that it comes from.
    """
    use = config.intended_use or "Not stated. Set registry.intended_use in the config."
    sizes = ", ".join(f"{name} {size:,}" for name, size in info.sizes.items())
    gates = [f"- {row.outcome}: {row.name} {row.threshold}" for row in verdict.rows]
    overall = [row for row in metrics.rows if row.slice == "all"]
    parts = [
        f"# {model_name}",
        f"{plan.backbone.display}, {plan.strategy} fine-tuning, {_answers(info)}, "
        f"{plan.image_size} × {plan.image_size} pixels.",
        "## Intended use",
        use,
        "## Data",
        f"{info.name} ({info.source}): {sizes} images. Fingerprint `{info.fingerprint}`.",
        *([f"{_NAMES[info.task]}: {', '.join(info.classes)}."] if info.classes else []),
        "## Metrics",
        f"On the test split; {metrics.confidence_level:.0%} intervals.",
        "| metric | value | interval | n |\n|---|---|---|---|\n" + "\n".join(map(_row, overall)),
        "## Exported files",
        "\n".join(
            f"- `{one.file}`: {_agreement(info.task, one)}, "
            + ("accepted" if one.accepted else f"not accepted: {one.reason}")
            for one in parity.variants
        ),
        "## Gates",
        f"**{verdict.outcome}**",
        "\n".join(gates) or "No gate was set.",
        "## Limits",
        _limits(info, metrics),
        "## Lineage",
        f"MLflow run `{run_id}`; seed {plan.seed}; {plan.epochs} epochs. The split, the plan, the "
        "predictions and the report are under `evidence/`, hashes of all files in the version's "
        "tags.",
    ]
    return "\n\n".join(parts) + "\n"


def _row(row: MetricRow) -> str:
    interval = (
        f"{row.low:.4f} to {row.high:.4f}" if row.low is not None and row.high is not None else "–"
    )
    return f"| {row.name} | {row.value:.4f} | {interval} | {row.n} |"


def _answers(info: DatasetInfo) -> str:
    if info.task == "regression":
        return "answers with one value"
    kind = {"single_label": "classes", "multi_label": "labels", "ordinal": "ordered classes"}
    return f"{len(info.classes)} {kind[info.task]}"


def _agreement(task: Task, one: VariantParity) -> str:
    score = f"{_SCORES[one.top1.name]} {one.top1.value:.4f} on {one.top1.n} images"
    if task == "regression":
        return f"{score}, values differ by {one.max_error:.2g} standard deviations at most"
    what = "labels" if task == "multi_label" else "answers"
    return f"{score}, {one.flips} {what} differ from the trained model's"


def _limits(info: DatasetInfo, metrics: Metrics) -> str:
    lines = [
        f"- {_ALWAYS[info.task]}",
        "- The metrics hold for images like those of the test split; under other cameras, places "
        "or times they are unknown.",
    ]
    judged_by = "auroc" if info.task == "multi_label" else "accuracy"
    classes = [row for row in metrics.rows if row.slice in info.classes and row.name == judged_by]
    if classes:
        worst = min(classes, key=lambda row: row.value)
        kind = "label" if info.task == "multi_label" else "class"
        lines.append(
            f"- Weakest {kind}: {worst.slice}, {worst.name} {worst.value:.4f} on {worst.n} images."
        )
    if info.dropped:
        lines.append(f"- {len(info.dropped)} images were left out of the data set as unusable.")
    return "\n".join(lines)
