"""Attention patterns: how spread out each head is, how different heads are, and what that means."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.errors import ConfigError

Verdict = Literal["good", "collapse", "uniform", "unclear"]
Behaviour = Literal["diverse", "collapsed", "uniform", "focused"]

DOCUMENT_LN_N = math.log(197)
"""The document's entropy bands are read for 197 tokens, ViT-B/16 at 224 pixels; ln 197 = 5.28."""
GOOD_ENTROPY = (2.5, 3.5)
COLLAPSE_ENTROPY = 0.8
UNIFORM_ENTROPY = 3.8
GOOD_DIVERSITY = (0.6, 0.9)
COLLAPSE_DIVERSITY = 0.3


@dataclass(frozen=True)
class AttentionQuality:
    """What a layer's heads look like."""

    entropy: float
    """Mean over heads and queries of -Σ A ln A, nats, [0, ln N]."""
    normalised_entropy: float
    """Entropy over ln N, [0, 1]."""
    head_entropies: tuple[float, ...]
    """Mean over queries, a head, nats."""
    diversity: float
    """1 - (1/H²) Σ cos(Aₕ, Aₕ'), as printed: at most 1 - 1/H, for a head equals itself."""
    normalised_diversity: float
    """The same over distinct pairs only, [0, 1]: comparable between numbers of heads."""
    good_entropy: tuple[float, float]
    """The document's good band, scaled to this number of tokens, nats."""
    verdict: Verdict
    reading: str
    """The verdict's reason in one sentence."""


def analyse_attention(attention_HQN: NDArray[np.floating]) -> AttentionQuality:
    """Judge one layer's attention.

    H(Aᵢ) = -Σⱼ Aᵢⱼ ln Aᵢⱼ;  D = 1 - (1/H²) Σₕₕ' cos(Aₕ, Aₕ').

    The bands of entropy (good 2.5 to 3.5, collapse up to 0.8, uniform from 3.8 nats) belong to
    197 tokens; they are scaled by ln N / ln 197, since entropy cannot exceed ln N: with 17 tokens
    3.8 could never be reached. The bands of diversity (good 0.6 to 0.9, collapse up to 0.3) judge
    the normalised one, since the printed one is capped at 1 - 1/H. The document also expects a
    diversity above 0.9 of uniform heads; by its own formula alike heads score near 0, so uniform
    attention is told by entropy alone.

    Args:
        attention_HQN: Attention after softmax: H heads, Q queries, N keys; rows sum to 1.

    Raises:
        ConfigError: if the array is no attention: not 3-dimensional, one key only, negative, NaN,
            or rows that do not sum to 1.
    """
    a = np.asarray(attention_HQN, dtype=np.float64)
    _check(a)
    heads, _, keys = a.shape
    entropies_H = -(a * np.log(np.where(a > 0, a, 1.0))).sum(-1).mean(-1) + 0.0
    flat = a.reshape(heads, -1)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    cosines_HH = unit @ unit.T
    raw = max(0.0, 1.0 - float(cosines_HH.mean()))
    # The diagonal is H ones; without it the mean is over distinct pairs.
    pairs = raw * heads / (heads - 1) if heads > 1 else 0.0
    scale = math.log(keys) / DOCUMENT_LN_N
    entropy = float(entropies_H.mean())
    verdict, reading = judge_attention(entropy, pairs, tokens=keys, heads=heads)
    return AttentionQuality(
        entropy=entropy,
        normalised_entropy=entropy / math.log(keys),
        head_entropies=tuple(float(e) for e in entropies_H),
        diversity=raw,
        normalised_diversity=pairs,
        good_entropy=(GOOD_ENTROPY[0] * scale, GOOD_ENTROPY[1] * scale),
        verdict=verdict,
        reading=reading,
    )


def simulate_attention(
    behaviour: Behaviour, heads: int = 12, tokens: int = 197, seed: int = 0
) -> NDArray[np.float64]:
    """Made-up attention that behaves in a stated way, to learn what the numbers look like.

    Args:
        behaviour: `diverse`: each head looks at a patch of its own, moderately sharply;
            `collapsed`: all heads at one and the same token; `uniform`: every head everywhere;
            `focused`: each head very sharply at a token of its own.
        heads: 1 or more.
        tokens: N, 2 or more; one query for each.
        seed: Of the noise and of where the heads look.

    Returns:
        Shape (heads, tokens, tokens), float64, rows sum to 1.

    Raises:
        ConfigError: if a number is too small or the behaviour is unknown.
    """
    if heads < 1 or tokens < 2:
        raise ConfigError(f"{heads} heads over {tokens} tokens", mend="type 12 heads, 197 tokens")
    rng = np.random.default_rng(seed)
    if behaviour == "uniform":
        logits = rng.normal(0.0, 0.05, (heads, tokens, tokens))
    elif behaviour == "collapsed":
        logits = np.zeros((heads, tokens, tokens))
        # e^x / (e^x + N - 1) = 0.95
        logits[:, :, 0] = math.log(0.95 / 0.05 * (tokens - 1))
        logits += rng.normal(0.0, 0.05, logits.shape)
    elif behaviour in ("diverse", "focused"):
        width = max(1.0, tokens * (0.025 if behaviour == "diverse" else 0.002))
        centres = rng.permutation(tokens)[np.arange(heads) % tokens]
        offset = np.abs(np.arange(tokens)[None, :] - centres[:, None])
        offset = np.minimum(offset, tokens - offset)
        sharp = 1.0 if behaviour == "diverse" else 6.0
        logits = np.repeat(-sharp * (offset / width)[:, None, :] ** 2 / 2, tokens, axis=1)
        logits = logits + rng.normal(0.0, 0.3, logits.shape)
    else:
        raise ConfigError(
            f"no behaviour is called {behaviour!r}",
            mend="type diverse, collapsed, uniform or focused",
        )
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    shares: NDArray[np.float64] = weights / weights.sum(-1, keepdims=True)
    return shares


def judge_attention(
    entropy: float, diversity: float, *, tokens: int, heads: int
) -> tuple[Verdict, str]:
    """Diagnose a layer from its means, by the bands of `analyse_attention`.

    Args:
        entropy: Nats, [0, ln tokens].
        diversity: Over distinct pairs of heads, [0, 1].
        tokens: Keys that a query sees.
        heads: Heads of the layer.

    Returns:
        The verdict and its reason.
    """
    scale = math.log(tokens) / DOCUMENT_LN_N
    if entropy <= COLLAPSE_ENTROPY * scale and (heads == 1 or diversity <= COLLAPSE_DIVERSITY):
        return "collapse", "all heads look at the same few tokens: capacity is wasted"
    if entropy >= UNIFORM_ENTROPY * scale:
        return "uniform", "heads look at everything alike: nothing stands out for them"
    low, high = GOOD_ENTROPY[0] * scale, GOOD_ENTROPY[1] * scale
    if low <= entropy <= high and diversity >= GOOD_DIVERSITY[0]:
        return "good", "heads are moderately sharp and look at different things"
    if heads > 1 and diversity <= COLLAPSE_DIVERSITY:
        return "collapse", "heads look at the same things, however sharply"
    return "unclear", "between the bands: look at the maps before judging"


def _check(a: NDArray[np.float64]) -> None:
    if a.ndim != 3 or a.shape[-1] < 2 or not a.size:
        raise ConfigError(
            f"attention of shape {a.shape} is not heads × queries × keys",
            mend="give one layer's attention after softmax, e.g. of shape (12, 197, 197)",
        )
    if np.isnan(a).any() or (a < 0).any():
        raise ConfigError(
            "attention holds NaN or negative weights", mend="give it after softmax, as float32"
        )
    sums = a.sum(-1).ravel()
    worst = float(sums[np.abs(sums - 1).argmax()])
    if abs(worst - 1) > 1e-2:
        raise ConfigError(
            f"a row of attention sums to {worst:.3g}, not to 1",
            mend="give attention after softmax, with the keys last",
        )
