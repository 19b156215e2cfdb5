"""Which backbones are worth measuring: an order from size and published accuracy alone."""

from collections.abc import Sequence

from vitforge.selection.zoo import ZooEntry


def prior_order(entries: Sequence[ZooEntry]) -> list[ZooEntry]:
    """Best first, the families taking turns: each one's best, then each one's second, and so on.

    An entry's score is the mean of two ranks, by parameters and by top-1 on ImageNet-1k; where no
    top-1 is published, its size speaks alone. Equal scores go to the cheaper one. A list by size
    alone orders backbones better than most transferability scores do; families take turns since
    what a family has in common is not worth measuring five times.

    Source: https://arxiv.org/abs/2510.06448 (size against scores);
        https://arxiv.org/abs/2010.06402 (a prior and a measurement together)
    """
    sizes = [float(entry.parameters) for entry in entries]
    accuracies = [entry.top1 for entry in entries if entry.top1 is not None]

    def score(entry: ZooEntry) -> float:
        by_size = _rank(entry.parameters, sizes)
        return by_size if entry.top1 is None else (by_size + _rank(entry.top1, accuracies)) / 2

    ordered = sorted(entries, key=lambda entry: (-score(entry), entry.gflops))
    turns: dict[str, int] = {}
    keyed = []
    for entry in ordered:
        turns[entry.family] = turns.get(entry.family, -1) + 1
        keyed.append((turns[entry.family], entry))
    return [entry for _, entry in sorted(keyed, key=lambda pair: pair[0])]


def _rank(value: float, among: Sequence[float]) -> float:
    """Share of values that are not larger, (0, 1]."""
    return sum(other <= value for other in among) / len(among)
