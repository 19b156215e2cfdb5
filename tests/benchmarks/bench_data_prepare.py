"""Scan, check, split and write of 10,000 JPEGs, against `datasets` doing only the writing.

Both start from the same folder, read once before so that neither pays for a cold disk, and run
in a process of their own on the same cores.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import keep
from PIL import Image

IMAGES, CLASSES = 10_000, 10


def make_photos(root: Path, count: int) -> None:
    """JPEGs of 500 × 375 pixels and about 50 kB: random colour fields with noise."""
    random = np.random.default_rng(0)
    for index in range(count):
        folder = root / f"class{index % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        field = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        pixels = np.asarray(field.resize((500, 375), Image.Resampling.BICUBIC)).astype(np.int16)
        pixels = pixels + random.integers(-12, 13, (375, 500, 1), dtype=np.int16)
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(folder / f"{index:06d}.jpg", quality=85)


OURS = """
import sys, time, json, resource
from pathlib import Path
began = time.perf_counter()
from vitforge.config import DataConfig
from vitforge.data.prepare import prepare
from vitforge.tracking import StepRun
with StepRun("prepare_data", spool=Path(sys.argv[2]) / "spool") as run:
    prepare(sys.argv[1], 0, DataConfig(), Path(sys.argv[2]) / "prepared", run)
print(json.dumps(time.perf_counter() - began))
"""
THEIRS = """
import sys, time, json
began = time.perf_counter()
import datasets
datasets.disable_progress_bars()
found = datasets.load_dataset("imagefolder", data_dir=sys.argv[1], cache_dir=sys.argv[2] + "/cache")
found.save_to_disk(sys.argv[2] + "/saved", num_proc=int(sys.argv[3]))
print(json.dumps(time.perf_counter() - began))
"""


def _time(code: str, *arguments: str) -> float:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE, text=True, check=True, env=environment,
    )  # fmt: skip
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def _limits(root: Path, out: Path) -> dict[str, float]:
    """What this machine's disk writes and one core decodes, in the same run."""
    files = sorted(root.rglob("*.jpg"))[:500]
    began = time.perf_counter()
    for file in files:
        Image.open(file).load()
    decoded = len(files) / (time.perf_counter() - began)
    began = time.perf_counter()
    for file in files:
        image = Image.open(file)
        image.draft("L", (64, 64))
        image.load()
    skimmed = len(files) / (time.perf_counter() - began)
    block = os.urandom(1 << 20)
    began = time.perf_counter()
    with (out / "block").open("wb") as file:
        for _ in range(256):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    written = 256 / (time.perf_counter() - began)
    return {
        "decode_images_per_second_core": round(decoded),
        "decode_small_grey_images_per_second_core": round(skimmed),
        "disk_write_mib_s": round(written),
    }


def main() -> None:
    """Measure and keep."""
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "photos", Path(folder) / "out"
        out.mkdir()
        make_photos(root, IMAGES)
        limits = _limits(root, out)
        size = sum(len(file.read_bytes()) for file in root.rglob("*.jpg"))
        ours, theirs = [], []
        cores = str(len(os.sched_getaffinity(0)))
        for _ in range(2):
            for times, code in ((theirs, THEIRS), (ours, OURS)):
                shutil.rmtree(out)
                out.mkdir()
                times.append(_time(code, str(root), str(out), cores))
    rate, peer = IMAGES / min(ours), IMAGES / min(theirs)
    keep(
        "data_prepare",
        ours=rate,
        peer=peer,
        goal="ratio >= 1.5",
        met=rate >= 1.5 * peer,
        unit="images/s",
        peer_name="datasets imagefolder + save_to_disk, which decodes nothing",
        images=IMAGES,
        mean_bytes=round(size / IMAGES),
        seconds=[round(value, 2) for value in ours],
        peer_seconds=[round(value, 2) for value in theirs],
        **limits,
    )


if __name__ == "__main__":
    main()
