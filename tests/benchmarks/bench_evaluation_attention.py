"""Attention statistics: a ViT-S/16 pass that is watched against a plain one, CPU time, 1 thread."""

import time

import torch
from harness import keep

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import build
from vitforge.evaluation.attention_watch import watch_attention

IMAGES, ROUNDS = 8, 7


def main() -> None:
    """About 20 s of CPU time."""
    torch.set_num_threads(1)
    spec = BackboneSpec(library="timm", name="vit_small_patch16_224", pretrained=False, label="")
    model, images = build(spec, 10, 224).eval(), torch.randn(IMAGES, 3, 224, 224)

    def watched(diversity: bool) -> None:
        with watch_attention(model, diversity=diversity):
            model(images)

    ways = {
        "plain": lambda: model(images),
        "entropy": lambda: watched(False),
        "whole": lambda: watched(True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for _ in range(ROUNDS):
            for name, way in ways.items():
                start = time.process_time()
                way()
                seconds[name].append(time.process_time() - start)
    best = {name: min(taken) for name, taken in seconds.items()}
    for name, limit in (("whole", 1.20), ("entropy", 1.05)):
        keep(
            "evaluation_attention" if name == "whole" else "evaluation_attention_entropy",
            ours=best[name], peer=best["plain"], goal=f"ratio <= {limit:g}",
            met=best[name] <= limit * best["plain"], unit="CPU seconds",
            peer_name="plain inference", images=IMAGES, rounds=ROUNDS, model=spec.name,
        )  # fmt: skip


if __name__ == "__main__":
    main()
