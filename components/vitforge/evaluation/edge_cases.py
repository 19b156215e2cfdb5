"""Edge cases: what model and preprocessing do with pictures and files that nobody planned for."""

import io
import json
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.evaluation.corruptions import corrupt
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.stress import answer, share_row, stress_set
from vitforge.preprocessing import decode_image, to_array
from vitforge.tasks import probabilities

NEEDS: Need = "model"
TASKS: Sequence[Task] = ("single_label", "ordinal")

PICTURES = {
    "blurry": "defocus_blur",
    "dark": "underexposure",
    "glaring": "overexposure",
    "odd colours": "colour_cast",
    "partly hidden": "occlusion",
}
"""Case and the corruption, at severity 5, that makes it."""
SURE = 0.9
"""Confidence from which a wrong answer is a confident one."""
EVIDENCE = "edge_cases.json"


def rows(context: Context) -> list[MetricRow]:
    """`edge_sure_and_wrong` for each kind of picture, `edge_file` for each kind of file."""
    return [*picture_rows(context), *file_rows(context)]


def picture_rows(context: Context) -> list[MetricRow]:
    """Share of hard pictures that the model gets wrong while it is sure; and of right answers."""
    chosen = stress_set(context, context.config.stress.images)
    found = []
    for case, name in PICTURES.items():
        worse = corrupt(chosen.pixels, name, 5, seed=context.seed)
        p = probabilities(
            context.found.task, answer(context.trained, worse, context.config.batch_size)
        )
        wrong = p.argmax(1) != chosen.labels
        sure = p.max(1)
        note = f"{name} 5: {1 - wrong.mean():.0%} right, mean confidence {sure.mean():.0%}"
        found.append(share_row("edge_sure_and_wrong", wrong & (sure >= SURE), case, context, note))
    return found


def file_rows(context: Context) -> list[MetricRow]:
    """1 where a file is treated as it must be: a bad one refused with its cause, an odd one read.

    `evidence/edge_cases.json` keeps what happened to each.
    """
    import torch

    how, trained = context.trained.preprocessing, context.trained
    told = []
    for case, (make, readable) in FILES.items():
        try:
            array = to_array(decode_image(make()), how)
            with torch.inference_mode():
                logits = trained.backbone(torch.from_numpy(array[None]).to(trained.device))
            finite = bool(torch.isfinite(logits).all())
            happened = "answered" if finite else "answered with NaN or infinity"
            good = readable and finite
        except VitforgeError as error:
            happened, good = f"refused: {error.cause}", not readable
        except Exception as error:  # whatever it is, a person must hear of it
            happened, good = f"broke with {type(error).__name__}: {error}", False
        told.append((case, good, happened))
    content = [
        {"case": case, "expected": _WANTED[FILES[case][1]], "happened": happened, "good": good}
        for case, good, happened in told
    ]
    evidence = context.keep(EVIDENCE, json.dumps(content, indent=2).encode())
    return [
        MetricRow(
            name="edge_file",
            value=float(good),
            n=1,
            slice=case,
            note=f"{happened}; no interval: one file",
            evidence=evidence,
        )
        for case, good, happened in told
    ]


_WANTED = {True: "answered", False: "refused"}


def _picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture with content, in any mode."""
    width, height = size
    ramp = np.add.outer(np.arange(height), np.arange(width)) * 255 // max(1, height + width - 2)
    if mode == "I;16":
        return Image.fromarray((ramp * 257).astype(np.uint16))
    return Image.fromarray(ramp.astype(np.uint8)).convert(mode)


def _bytes(image: Image.Image, kind: str = "PNG", **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _bytes(_picture(), "JPEG", exif=exif)


def _animation() -> bytes:
    frames = [_picture("P"), _picture("P").rotate(180)]
    return _bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _damaged() -> bytes:
    """A JPEG that ends in the middle of its data and goes on."""
    content = bytearray(_bytes(_picture(), "JPEG"))
    middle = len(content) // 2
    content[middle : middle + 8] = b"\xff\xd9" * 4
    return bytes(content)


def _bomb() -> bytes:
    """A small file with more pixels than are decoded."""
    return _bytes(Image.new("1", (60_000, 3_000)))


FILES: dict[str, tuple[Callable[[], bytes], bool]] = {
    "cut short": (lambda: _bytes(_picture(), "JPEG")[:400], False),
    "damaged inside": (_damaged, False),
    "empty": (lambda: b"", False),
    "not an image": (lambda: b"%PDF-1.7 no image at all", False),
    "decompression bomb": (_bomb, False),
    "one pixel": (lambda: _bytes(_picture(size=(1, 1))), True),
    "very wide": (lambda: _bytes(_picture(size=(3000, 2))), True),
    "very high": (lambda: _bytes(_picture(size=(2, 3000))), True),
    "grey": (lambda: _bytes(_picture("L")), True),
    "16-bit grey": (lambda: _bytes(_picture("I;16")), True),
    "transparent": (lambda: _bytes(_picture("RGBA")), True),
    "CMYK": (lambda: _bytes(_picture("CMYK"), "JPEG"), True),
    "turned by EXIF": (_turned, True),
    "animation": (_animation, True),
}
"""How to make each kind of file, and whether it is to be read."""
