"""CPU time of the 19 corruptions at 224 pixels, beside imagecorruptions where that is installed."""

import importlib.util
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from harness import keep
from peer_imagecorruptions import DETERMINISTIC, STOCHASTIC, load_peer, photograph

from vitforge.evaluation.corruptions import CORRUPTIONS, corrupt

IMAGES = 8


def timed(action) -> float:
    """CPU seconds."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """About a minute, with the peer two."""
    torch.set_num_threads(1)
    image = photograph()
    batch = np.repeat(image[None], IMAGES, 0)
    names = [name for name, kind in CORRUPTIONS.items() if kind.set != "conditions"]
    peer = load_peer() if importlib.util.find_spec("imagecorruptions") else None
    shared = [name for name in names if name in (*DETERMINISTIC, *STOCHASTIC)]
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for name in names:
        taken = []
        rivals = []
        for severity in range(1, 6):
            taken.append(timed(lambda n=name, s=severity: corrupt(batch, n, s)) / IMAGES)
            if peer and name in shared:
                rivals.append(
                    timed(lambda n=name, s=severity: peer(image, severity=s, corruption_name=n))
                )
        ours[name] = 1000 * float(np.mean(taken))
        if rivals:
            theirs[name] = 1000 * float(np.mean(rivals))
    mean = float(np.mean(list(ours.values())))
    keep(
        "evaluation_corruptions", ours=mean, peer=100.0, goal="ours <= 100", met=mean <= 100,
        unit="CPU ms an image and severity", peer_name="limit", size=224,
        each={name: round(value, 2) for name, value in ours.items()},
    )  # fmt: skip
    if theirs:
        total = sum(ours[name] for name in theirs)
        keep(
            "evaluation_corruptions_peer", ours=total, peer=sum(theirs.values()),
            goal="ratio <= 1/15", met=15 * total <= sum(theirs.values()),
            unit="CPU ms an image, all corruptions that both can run",
            peer_name="imagecorruptions 1.1.2", corruptions=len(theirs),
            each={name: round(value, 1) for name, value in theirs.items()},
        )  # fmt: skip


if __name__ == "__main__":
    main()
