"""The few of the zoo that are measured: demands first, then what is to be had, best prior first."""

import torch

from vitforge.artifacts import CandidateResult, DatasetInfo
from vitforge.backbones import build
from vitforge.backbones.hub import fetch_command, hub_answers, in_cache
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig, Strategy
from vitforge.selection.candidates import broken_demand, skipped, spec_of
from vitforge.selection.cost import predicted_mib
from vitforge.selection.latency import latency_ms
from vitforge.selection.prior import prior_order
from vitforge.selection.zoo import ZooEntry, zoo
from vitforge.training.hardware import choose_device


def shortlist(
    config: SelectionConfig, info: DatasetInfo, recipe: FinetuningConfig, strategy: Strategy
) -> tuple[list[Candidate], list[CandidateResult]]:
    """Go down the prior's order until `config.shortlist` backbones pass.

    Demands are met on random weights, so that nothing is fetched in vain. Where the hub does not
    answer, only what is in the cache passes.

    Returns:
        The candidates to measure, and a row with its reason for each one that was passed over.
    """
    named = {candidate.backbone for candidate in config.candidates}
    taken: list[Candidate] = []
    passed_over: list[CandidateResult] = []
    answers: bool | None = None
    for entry in prior_order([one for one in zoo() if one.backbone not in named]):
        if len(taken) == config.shortlist:
            break
        candidate = Candidate(backbone=entry.backbone)
        mend = ""
        if not (why := _broken(entry, config, info, recipe, strategy)):
            cached = in_cache(entry.backbone)
            if not cached and answers is None:
                answers = hub_answers()
            if cached or answers:
                taken.append(candidate)
                continue
            why = "its weights are not in the cache, and the hub cannot be reached"
            mend = (
                f"where there is a network, or HF_ENDPOINT names a mirror: "
                f"{fetch_command(entry.backbone)}"
            )
        passed_over.append(skipped(candidate, why, mend))
    return taken, passed_over


def _broken(
    entry: ZooEntry,
    config: SelectionConfig,
    info: DatasetInfo,
    recipe: FinetuningConfig,
    strategy: Strategy,
) -> str:
    """The demand that an entry does not meet; the cheap ones to check come first."""
    if why := broken_demand(config, licence=entry.licence, parameters=entry.parameters):
        return why
    spec = spec_of(Candidate(backbone=entry.backbone, pretrained=False))
    if config.max_memory_gib:
        memory = predicted_mib(spec, entry.image_size, info, recipe, strategy)
        if why := broken_demand(config, memory_mib=memory):
            return why
    if config.max_latency_ms:
        device = choose_device(recipe.device)
        with torch.random.fork_rng(devices=[]):
            backbone = build(spec, len(info.classes))
        return broken_demand(config, latency_ms=latency_ms(backbone, device))
    return ""
