"""From the config's candidates to specs, and the demands they must meet."""

from vitforge.artifacts import BackboneSpec, CandidateResult
from vitforge.backbones import resolve
from vitforge.config import Candidate, SelectionConfig
from vitforge.errors import VitforgeError


def named_candidate(backbone: str, config: SelectionConfig) -> Candidate:
    """The candidate of that label or name, or one made of the name alone."""
    for candidate in config.candidates:
        if backbone in (candidate.label, candidate.backbone):
            return candidate
    return Candidate(backbone=backbone)


def spec_of(candidate: Candidate) -> BackboneSpec:
    """Resolve a candidate; see `vitforge.backbones.resolve`."""
    return resolve(candidate.backbone, candidate.pretrained, candidate.args, candidate.label)


def broken_demand(parameters: int, latency_ms: float, config: SelectionConfig) -> str:
    """The demand that a candidate does not meet, in words; empty when it meets all."""
    if config.max_parameters and parameters > config.max_parameters:
        return f"{parameters:,} parameters, over max_parameters {config.max_parameters:,}"
    if config.max_latency_ms and latency_ms > config.max_latency_ms:
        return f"{latency_ms:.1f} ms an image, over max_latency_ms {config.max_latency_ms:g}"
    return ""


def skipped(candidate: Candidate, why: str) -> CandidateResult:
    """The row of a candidate that could not be measured."""
    return CandidateResult(
        name=candidate.name,
        parameters=0,
        image_size=0,
        tokens=0,
        latency_ms=0.0,
        train_ms=0.0,
        skipped=why,
    )


def none_left(results: list[CandidateResult], mends: list[str]) -> VitforgeError:
    """The error when every candidate was skipped."""
    return VitforgeError(
        "no candidate could be measured: "
        + "; ".join(f"{result.name}: {result.skipped}" for result in results),
        where="selection.candidates",
        mend="; ".join(dict.fromkeys(mend for mend in mends if mend))
        or "loosen selection.max_parameters or selection.max_latency_ms",
    )
