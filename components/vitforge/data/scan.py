"""Reading all images once, on all cores, and going on where an earlier run was stopped."""

import hashlib
import itertools
import json
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from vitforge.artifacts import write_atomically
from vitforge.config import DataConfig
from vitforge.data.look import THUMB, Look, look_at
from vitforge.data.raw import RawImages
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

EXACT = 1024
"""Images, about, whose pixels are summed up; of smaller sets all are."""
PART = 512
"""Images that are kept together on disk."""
FEW = 2048
"""Images below which threads are quicker than the start of processes."""
_TASK = 32
"""Images that a worker takes at once; a part is a whole number of tasks."""
_AHEAD = 8
"""Tasks a worker that are handed out before the first is asked for."""
_FORMAT = 4

Seen = tuple[Look | str, bytes]
"""What an image is and its thumbnail; or why it cannot be read, and nothing."""


def scan_images(
    images: RawImages, config: DataConfig, run: StepRun, scratch: Path | None
) -> Iterator[Seen]:
    """Look at every image, in order; memory holds some hundred thumbnails a core.

    Args:
        images: The images.
        config: The section `data`.
        run: The step's run, for progress.
        scratch: Folder that finished parts are kept in; None keeps none.
    """
    if scratch:
        scratch = scratch / _state(images, config)
    workers = config.workers or len(os.sched_getaffinity(0))
    full = range(0, len(images) - PART + 1, PART) if scratch else ()
    parts = {start: Path(scratch or "", f"{start:09d}.part") for start in full}
    thawed = {start for start, path in parts.items() if path.exists()}
    tasks = [start for start in range(0, len(images), _TASK) if start // PART * PART not in thawed]
    began, fresh = time.monotonic(), 0
    with _pool(workers, len(images), config.workers) as pool:
        looked = _look_ahead(pool, images, tasks, workers, config)
        for start in range(0, len(images), PART):
            if start in thawed:
                yield from _thaw(parts[start].read_bytes())
                continue
            seen: list[Seen] = []
            for some in itertools.islice(looked, -(-min(PART, len(images) - start) // _TASK)):
                seen += some
                fresh += len(some)
                done = start + len(seen)
                left = (time.monotonic() - began) / fresh * (len(images) - done)
                text = f"{done:,} of {len(images):,} images read, about {left:.0f} s left"
                run.progress(done, len(images), text)
                yield from some
            if start in parts:
                write_atomically(parts[start], _freeze(seen))


def _state(images: RawImages, config: DataConfig) -> str:
    """A word for everything that what is seen depends on."""
    state = hashlib.sha256(f"{_FORMAT} {config.max_pixels} {config.version}".encode())
    for name in images.ids:
        state.update(name.encode() + b"\0")
    return state.hexdigest()[:16]


def _pool(workers: int, images: int, asked: int) -> Executor:
    """Processes for many images; threads for few, whose start would cost more than the work."""
    if images < FEW and not asked:
        return ThreadPoolExecutor(workers)
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context)


def _look_ahead(
    pool: Executor, images: RawImages, starts: Sequence[int], workers: int, config: DataConfig
) -> Iterator[list[Seen]]:
    """Tasks in order, a few ahead: none waits while a part is written, results do not pile up."""
    share = min(1.0, EXACT / len(images))
    waiting: deque[Future[list[Seen]]] = deque()
    for start in starts:
        some = images.places[start : start + _TASK]
        waiting.append(pool.submit(_look_some, images.read, some, config.max_pixels, share))
        if len(waiting) > _AHEAD * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _look_some(
    read: Callable[[str], bytes], places: Sequence[str], max_pixels: int, share: float
) -> list[Seen]:
    return [_look(read, place, max_pixels, share) for place in places]


def _look(read: Callable[[str], bytes], place: str, max_pixels: int, share: float) -> Seen:
    try:
        return look_at(read(place), max_pixels, share)
    except VitforgeError as error:
        return error.cause, b""
    except OSError as error:
        return error.strerror or str(error), b""
    except MemoryError:
        return "the image does not fit into memory", b""
    except Exception as error:  # a decoder's own failure must not stop the other images
        return f"the image cannot be decoded: {type(error).__name__}: {error}", b""


def _freeze(part: Sequence[Seen]) -> bytes:
    """A line of JSON, then the thumbnails."""
    told = [
        look if isinstance(look, str) else [getattr(look, name) for name in Look.__slots__]
        for look, _ in part
    ]
    return json.dumps(told).encode() + b"\n" + b"".join(thumb for _, thumb in part)


def _thaw(content: bytes) -> Iterator[Seen]:
    told, _, thumbs = content.partition(b"\n")
    size, start = THUMB * THUMB, 0
    for look in json.loads(told):
        if isinstance(look, str):
            yield look, b""
            continue
        fields = dict(zip(Look.__slots__, look, strict=True))
        fields |= {"sums": tuple(fields["sums"]), "squares": tuple(fields["squares"])}
        yield Look(**fields), thumbs[start : start + size]
        start += size
