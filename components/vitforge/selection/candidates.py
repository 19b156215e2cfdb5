"""From the config's candidates to specs, and the demands they must meet."""

from vitforge.artifacts import BackboneSpec, CandidateResult
from vitforge.backbones import resolve
from vitforge.config import Candidate, SelectionConfig
from vitforge.errors import VitforgeError
from vitforge.selection.licence import forbidden_use
from vitforge.selection.zoo import find_entry


def named_candidate(backbone: str, config: SelectionConfig) -> Candidate:
    """The candidate of that label or name, or one made of the name alone."""
    for candidate in config.candidates:
        if backbone in (candidate.label, candidate.backbone):
            return candidate
    return Candidate(backbone=backbone)


def spec_of(candidate: Candidate) -> BackboneSpec:
    """Resolve a candidate; see `vitforge.backbones.resolve`."""
    return resolve(candidate.backbone, candidate.pretrained, candidate.args, candidate.label)


def broken_demand(
    config: SelectionConfig,
    *,
    licence: str = "",
    parameters: int = 0,
    memory_mib: float = 0.0,
    latency_ms: float = 0.0,
) -> str:
    """The demand that a candidate does not meet, in words; empty when it meets all.

    Args:
        config: Holds the demands.
        licence: Of the weights; empty where it is not known.
        parameters: Count; like the others, 0 where it is not known yet.
        memory_mib: Predicted for the training.
        latency_ms: Milliseconds an image.
    """
    if why := forbidden_use(licence, config.use):
        return why
    if config.max_parameters and parameters > config.max_parameters:
        return f"{parameters:,} parameters, over max_parameters {config.max_parameters:,}"
    if config.max_memory_gib and memory_mib > config.max_memory_gib * 1024:
        return f"{memory_mib / 1024:.2f} GiB, over max_memory_gib {config.max_memory_gib:g}"
    if config.max_latency_ms and latency_ms > config.max_latency_ms:
        return f"{latency_ms:.1f} ms an image, over max_latency_ms {config.max_latency_ms:g}"
    return ""


def skipped(candidate: Candidate, why: str, mend: str = "") -> CandidateResult:
    """The row of a candidate that was not measured."""
    entry = find_entry(candidate.backbone)
    return CandidateResult(
        name=candidate.name,
        parameters=entry.parameters if entry else 0,
        image_size=entry.image_size if entry else 0,
        tokens=0,
        latency_ms=0.0,
        train_ms=0.0,
        licence=entry.licence if entry else "",
        skipped=why,
        mend=mend,
    )


def none_left(results: list[CandidateResult]) -> VitforgeError:
    """The error when every candidate was skipped."""
    if not results:
        return VitforgeError(
            "there is no candidate to measure",
            where="selection.candidates",
            mend="list backbones there, or set it to zoo",
        )
    return VitforgeError(
        "no candidate could be measured: "
        + "; ".join(f"{result.name}: {result.skipped}" for result in results),
        where="selection.candidates",
        mend="; ".join(dict.fromkeys(result.mend for result in results if result.mend))
        or "loosen selection.max_parameters, max_memory_gib, max_latency_ms or use",
    )
