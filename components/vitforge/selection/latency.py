"""How long one image takes."""

import statistics
import time

import torch

from vitforge.backbones import Backbone

WARM_UP = 5
RUNS = 30


@torch.inference_mode()
def latency_ms(backbone: Backbone, device: torch.device) -> float:
    """Median milliseconds of a forward pass at batch 1, eager, fp32."""
    backbone.to(device).eval()
    image = torch.zeros(1, 3, backbone.image_size, backbone.image_size, device=device)
    seconds = []
    for _ in range(WARM_UP + RUNS):
        start = time.perf_counter()
        backbone(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[WARM_UP:])
