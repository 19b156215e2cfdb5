"""Peak memory of `prepare_data` at 1,000 and at 20,000 images: it should stay where it is."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import keep
from PIL import Image

SMALL, LARGE = 1_000, 20_000
CODE = """
import sys, resource
from pathlib import Path
from vitforge.config import DataConfig
from vitforge.data.prepare import prepare
from vitforge.tracking import StepRun
out = Path(sys.argv[2])
with StepRun("prepare_data", spool=out / "spool") as run:
    prepare(sys.argv[1], 0, DataConfig(workers=2), out / "prepared", run)
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(own / 1024, child / 1024)
"""


def make_photos(root: Path, count: int) -> None:
    """Distinct JPEGs of 160 × 120 pixels in ten classes."""
    random = np.random.default_rng(0)
    for index in range(count):
        folder = root / f"class{index % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        field = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        field.resize((160, 120)).save(folder / f"{index:06d}.jpg")


def peak(count: int) -> tuple[float, float]:
    """Largest resident memory of the step and of a worker, MiB."""
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "photos", Path(folder) / "out"
        make_photos(root, count)
        out.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(root), str(out)],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    own, child = map(float, done.stdout.strip().splitlines()[-1].split())
    return own, child


def main() -> None:
    """Measure and keep."""
    (small, small_worker), (large, large_worker) = peak(SMALL), peak(LARGE)
    keep(
        "data_memory",
        ours=large,
        peer=small,
        goal="ratio 0.9 to 1.1, under 1,024 MiB",
        met=0.9 <= large / small <= 1.1 and large < 1024,
        unit="MiB",
        peer_name=f"the same step at {SMALL:,} images; ours is {LARGE:,}",
        worker_small=round(small_worker, 1),
        worker_large=round(large_worker, 1),
    )


if __name__ == "__main__":
    main()
