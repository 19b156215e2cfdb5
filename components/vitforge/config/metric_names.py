"""Names that a gate may ask for, and the tasks in which each is measured."""

import difflib
from collections.abc import Mapping

from vitforge.config.data import Task

_ONE_CLASS: tuple[Task, ...] = ("single_label", "ordinal")
_SINGLE: tuple[Task, ...] = ("single_label",)
_LABELS: tuple[Task, ...] = ("multi_label",)
_SHARES: tuple[Task, ...] = ("single_label", "multi_label", "ordinal")
_EVERY: tuple[Task, ...] = (*_SHARES, "regression")


def _names(tasks: tuple[Task, ...], names: str) -> dict[str, tuple[Task, ...]]:
    return dict.fromkeys(names.split(), tasks)


METRICS: Mapping[str, tuple[Task, ...]] = {
    # accuracy, confidence
    **_names(_ONE_CLASS, "top1 top5 balanced_accuracy macro_f1 mcc precision ece ece_null"),
    **_names(_ONE_CLASS, "ece_classwise confidence entropy reliable_share reliable_accuracy"),
    **_names(_ONE_CLASS, "aurc accuracy_at_coverage confident_mistakes weakest_slice weak_slice"),
    **_names(_SHARES, "accuracy f1 nll brier"),
    **_names(_SINGLE, "ece_scaled label_noise"),
    **_names(("single_label", "multi_label"), "temperature nll_scaled"),
    **_names(_LABELS, "exact_match sensitivity specificity auroc auprc threshold"),
    **_names(_LABELS, "sensitivity_at_specificity specificity_there"),
    **_names(("ordinal",), "class_mae qwk"),
    **_names(("regression",), "rmse r2"),
    **_names(_EVERY, "mae mae_gap"),
    # fairness
    **_names(_SHARES, "fairness_gap accuracy_gap auroc_gap underdiagnosis"),
    **_names(_SHARES, "underdiagnosis_gap"),
    **_names(_ONE_CLASS, "ece_gap true_positive_rate true_positive_rate_gap"),
    **_names(_ONE_CLASS, "false_positive_rate false_positive_rate_gap"),
    # stress
    **_names(_EVERY, "attention_good attention_collapsed attention_uniform attention_entropy"),
    **_names(_EVERY, "attention_entropy_share attention_diversity attention_diversity_raw"),
    **_names(_EVERY, "deletion insertion deletion_gain insertion_gain"),
    **_names(_SHARES, "shift_accuracy shift_drop shift_worst_drop corruption_error mce slice_drop"),
    **_names(_SINGLE, "dramatic_changes robust_accuracy"),
    **_names(_ONE_CLASS, "edge_sure_and_wrong edge_file edge_files"),
    # speed and memory
    **_names(_EVERY, "latency_p50_ms latency_p90_ms latency_p95_ms latency_p99_ms latency_spikes"),
    **_names(_EVERY, "warm_up images_per_second peak_memory_mb memory_growth"),
    # the exported bundle
    **_names(_EVERY, "onnx_max_error latency_ms onnx_speedup int8_speedup"),
    **_names(_ONE_CLASS, "int8_top1"),
    **_names(_SHARES, "onnx_flips int8_drop int8_flips"),
}
"""Rows of `metrics.json`, `parity.json` and `latency.json` by name."""


def unknown_metric(name: str) -> str:
    """What is wrong with a name, with the nearest known ones; empty for a known one.

    A name with a dot is a metric of one's own, `file.metric`, and is looked up when it is judged.
    """
    if name in METRICS or "." in name:
        return ""
    near = difflib.get_close_matches(name, METRICS, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(METRICS)}"
    return f"no such metric: {name}; {hint}"
