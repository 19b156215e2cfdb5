"""What to do where a number is missing."""

_BY_EVALUATOR = {
    "fairness": ("fairness_gap", "accuracy_gap", "auroc_gap", "underdiagnosis", "mae_gap"),
    "attention": ("attention_good", "attention_collapsed", "attention_uniform"),
    "shift": ("shift_drop", "shift_worst_drop", "slice_drop", "corruption_error", "mce"),
    "adversarial": ("dramatic_changes", "robust_accuracy"),
    "edge_cases": ("edge_files", "edge_file", "edge_sure_and_wrong"),
    "efficiency": ("latency_spikes", "memory_growth", "peak_memory_mb", "images_per_second"),
}
_EVALUATOR_OF = {name: evaluator for evaluator, names in _BY_EVALUATOR.items() for name in names}
_SPECIAL = {
    "fairness_gap": "name a column that tells groups apart in the manifest (slice_NAME)",
    "slice_drop": "name a column of time, site or device in the manifest (slice_NAME)",
    "int8_drop": "export INT8 (export.int8: true); it was not exported, or has no answers",
    "onnx_max_error": "run export_model; the bundle holds no FP32 file",
    "latency_ms": "run export_model; no exported variant passed parity",
}


def how_to_measure(metric: str) -> str:
    """One sentence for the person who misses the number."""
    if metric in _SPECIAL:
        return _SPECIAL[metric]
    if evaluator := _EVALUATOR_OF.get(metric):
        return f"take {evaluator} out of evaluation.skip, and run evaluate_model again"
    return "run evaluate_model again; it was skipped, or the data did not allow it"
