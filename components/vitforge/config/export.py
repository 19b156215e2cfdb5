"""Settings of `export_model`."""

from pydantic import Field

from vitforge.config.section import AtLeastOne, Fraction, Section


class ExportConfig(Section):
    """Which files are made, and how they are held against the trained model."""

    opset: int = Field(default=18, ge=17, le=23)
    """ONNX operator set."""

    int8: bool = True
    """Make an INT8 variant beside FP32."""

    max_error: float = Field(default=1e-3, gt=0.0)
    """Largest difference allowed between torch and ONNX FP32 outputs: of logits absolute, of a
    regression in standard deviations of the test images' targets."""

    int8_max_drop: Fraction = 0.01
    """What INT8 may lose against the trained model and still be served, [0, 1]: top-1, of a
    multi-label task the labels' mean AUROC, of a regression R²."""

    calibration_images: AtLeastOne = 256
    """Images of the calibration split that set the INT8 ranges, count; more is slower."""

    smooth_quant: Fraction = 0.5
    """How much of the activations' outliers moves into the weights before INT8, [0, 1]; 0 moves
    none (arXiv:2211.10438)."""

    latency_runs: AtLeastOne = 100
    """Timed inferences for each variant at batch 1, count."""
