"""Settings of `export_model`."""

from pydantic import Field

from vitforge.config.section import AtLeastOne, Section


class ExportConfig(Section):
    """Which files are made, and how they are held against the trained model."""

    opset: int = Field(default=18, ge=17, le=23)
    """ONNX operator set."""

    int8: bool = True
    """Make an INT8 variant beside FP32."""

    max_error: float = Field(default=1e-3, gt=0.0)
    """Largest difference allowed between torch and ONNX FP32 logits, absolute."""

    latency_runs: AtLeastOne = 100
    """Timed inferences for each variant at batch 1, count."""
