"""The production check lists of the source document, line by line, and what answers each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line.

    Args:
        line: The document's words.
        metrics: Rows that answer it: `metric` for all images, `metric@slice`, `metric@*` for
            every slice.
        how: What to do where there is none.
    """

    line: str
    metrics: tuple[str, ...]
    how: str


VALIDATION = (
    Check(
        "Test on held-out data from same distribution (standard validation)",
        ("top1", "balanced_accuracy", "macro_f1", "auroc", "auprc", "qwk", "mae", "rmse", "r2"),
        "run evaluate_model",
    ),
    Check(
        "Test on data from different time periods, locations, or conditions",
        ("slice_drop@*", "shift_drop", "shift_worst_drop"),
        "name a column of time, site or device in the manifest (slice_NAME); take shift out of "
        "evaluation.skip for corruptions",
    ),
    Check(
        "Verify attention patterns make sense for your domain",
        ("attention_good", "attention_collapsed", "attention_uniform", "deletion", "insertion"),
        "take attention out of evaluation.skip; an architecture that hides its attention has none",
    ),
    Check(
        "Check calibration: do confidence scores match actual accuracy?",
        ("ece", "ece_null", "ece_scaled", "nll"),
        "run evaluate_model; a regression has no confidence",
    ),
    Check(
        "Test edge cases: blurry images, unusual lighting, partial occlusion",
        ("edge_sure_and_wrong@*",),
        "take edge_cases out of evaluation.skip",
    ),
    Check(
        "Measure inference speed on target hardware under load",
        ("latency_p95_ms@load of 4", "latency_p95_ms@batch 1", "latency_ms", "latency_spikes"),
        "take efficiency out of evaluation.skip, and run on the target",
    ),
    Check(
        "Monitor for fairness across relevant demographic groups",
        ("fairness_gap", "accuracy_gap@*", "auroc_gap@*", "underdiagnosis_gap@*", "mae_gap@*"),
        "name a column that tells groups apart in the manifest (slice_NAME)",
    ),
    Check(
        "Set up continuous monitoring for performance drift over time",
        (),
        "begins after deployment; the bundle keeps baseline.parquet to hold live answers against",
    ),
)
ROBUSTNESS = (
    Check(
        "Distribution shift: accuracy drops >10% indicate poor robustness",
        ("shift_drop", "mce"),
        "take shift out of evaluation.skip",
    ),
    Check(
        "Adversarial: dramatic prediction changes from tiny inputs",
        ("dramatic_changes", "robust_accuracy@*"),
        "take adversarial out of evaluation.skip; it knows single-label tasks",
    ),
    Check(
        "Fairness: >5% accuracy gaps between groups",
        ("fairness_gap",),
        "name a column that tells groups apart in the manifest (slice_NAME)",
    ),
    Check(
        "Efficiency: latency spikes, memory leaks over time",
        ("latency_spikes", "memory_growth"),
        "take efficiency out of evaluation.skip",
    ),
)
OPTIMIZATION = (
    Check(
        "Use mixed precision (FP16) for 2x speedup with minimal accuracy loss",
        ("training_precision",),
        "finetuning.precision; the report of finetune_model tells it",
    ),
    Check(
        "Enable gradient checkpointing if memory-constrained",
        ("gradient_checkpointing",),
        "finetuning.gradient_checkpointing; vitforge plan memory tells whether it is needed",
    ),
    Check(
        "Set optimal batch size using gradient accumulation",
        ("batch_size",),
        "finetuning.batch_size and micro_batch; the report of finetune_model tells them",
    ),
    Check(
        "Consider Flash Attention for high-resolution images",
        ("fused_attention",),
        "PyTorch's fused attention is used where the backbone calls it",
    ),
)
PERFORMANCE = (
    Check(
        "Benchmark inference speed on target hardware",
        ("latency_ms", "latency_p95_ms", "latency_p95_ms@batch 1"),
        "run export_model on the target",
    ),
    Check(
        "Test memory usage under realistic load conditions",
        ("peak_memory_mb", "memory_growth"),
        "take efficiency out of evaluation.skip",
    ),
    Check(
        "Set up model compilation (torch.compile) for inference speedup",
        ("onnx_speedup", "onnx_max_error"),
        "served models are compiled to ONNX instead: run export_model",
    ),
    Check(
        "Consider quantization (INT8) for deployment if accuracy permits",
        ("int8_top1", "int8_drop", "int8_speedup"),
        "export.int8: true",
    ),
)
RELIABILITY = (
    Check(
        "Implement proper error handling and fallback mechanisms",
        ("edge_files",),
        "take edge_cases out of evaluation.skip; the server refuses what it cannot read",
    ),
    Check(
        "Set up monitoring for memory leaks and performance drift",
        ("memory_growth",),
        "take efficiency out of evaluation.skip",
    ),
    Check(
        "Test edge cases: unusual input sizes, corrupted images",
        ("edge_files",),
        "take edge_cases out of evaluation.skip",
    ),
    Check(
        "Have rollback plan for model updates",
        (),
        "vitforge rollback NAME --rehearse proves it, once two versions were champion",
    ),
)
MONITORING = (
    Check(
        "Track accuracy on holdout validation set over time",
        ("top1_vs_champion", "top1"),
        "every run is held against the champion once there is one",
    ),
    Check(
        "Monitor attention patterns for unexpected changes",
        ("attention_entropy_share@*",),
        "take attention out of evaluation.skip; compare with vitforge report RUN --against RUN",
    ),
    Check(
        "Log inference latency and memory usage",
        ("latency_ms", "peak_memory_mb"),
        "take efficiency out of evaluation.skip; the server logs each request",
    ),
    Check(
        "Set up alerts for performance degradation",
        (),
        "begins after deployment; baseline.parquet in the bundle is what alerts compare with",
    ),
)
LISTS = {
    "Validation": VALIDATION,
    "What to watch for": ROBUSTNESS,
    "Optimization": OPTIMIZATION,
    "Performance": PERFORMANCE,
    "Reliability": RELIABILITY,
    "Monitoring": MONITORING,
}
