"""From what a person typed to a backbone said in full."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitforge.artifacts import BackboneSpec
from vitforge.errors import VitforgeError

FORMS = "timm/NAME, transformers/NAME, a hub id such as google/vit-base-patch16-224, or a folder"


def resolve(
    text: str, pretrained: bool = True, args: Mapping[str, Any] | None = None, label: str = ""
) -> BackboneSpec:
    """Say which library, which architecture, which weights.

    Args:
        text: `timm/NAME`, `transformers/NAME` (a model type or a hub id), a plain hub id
            `org/name` (transformers), or a folder holding `config.json` and safetensors.
        pretrained: Whether `build` shall load weights.
        args: Architecture settings passed on to the library.
        label: Short name for reports; empty takes `text`.

    Raises:
        VitforgeError: if the text has none of these forms, or timm has no such architecture (the
            nearest names are told).
    """
    folder = Path(text).expanduser()
    if folder.is_dir():
        library, name = _library_of(folder), str(folder.resolve())
    elif text.startswith("timm/"):
        library, name = "timm", text.removeprefix("timm/")
        _check_timm_name(name, pretrained)
    elif text.startswith("transformers/"):
        library, name = "transformers", text.removeprefix("transformers/")
    elif text.count("/") == 1 and not text.startswith((".", "/", "~")):
        library, name = "transformers", text
    elif "/" in text:
        raise VitforgeError(
            "the backbone's folder does not exist", where=text, mend=f"give one of: {FORMS}"
        )
    else:
        raise VitforgeError(
            f"backbone {text!r} names no library",
            mend=f"write timm/{text} or transformers/{text}; known forms: {FORMS}",
        )
    return BackboneSpec.model_validate(
        {
            "library": library,
            "name": name,
            "args": dict(args or {}),
            "pretrained": pretrained,
            "label": label or ("" if not folder.is_dir() else folder.name),
        }
    )


def _library_of(folder: Path) -> str:
    """`timm` or `transformers`, by the keys of the folder's `config.json`."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VitforgeError(
            "the backbone's folder has no config.json",
            where=str(folder),
            mend="save the model with save_pretrained, or with timm's save_for_hf",
        ) from None
    except ValueError as error:
        raise VitforgeError(f"not valid JSON: {error}", where=str(file)) from None
    if "model_type" in config:
        return "transformers"
    if "architecture" in config:
        return "timm"
    raise VitforgeError(
        "config.json names neither a transformers `model_type` nor a timm `architecture`",
        where=str(file),
        mend=f"give one of: {FORMS}",
    )


def _check_timm_name(name: str, pretrained: bool) -> None:
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.5)
        raise VitforgeError(
            f"timm has no architecture {architecture!r}",
            where=f"timm/{name}",
            mend="did you mean " + " or ".join(f"timm/{n}" for n in near) + "?" if near else "",
        )
    known = timm.list_pretrained(f"{architecture}.*") or timm.list_pretrained(architecture)
    if (tag and name not in known) or (pretrained and not known):
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
        raise VitforgeError(
            f"timm has no pretrained weights {name!r}",
            where=f"timm/{name}",
            mend="known: " + ", ".join(f"timm/{n}" for n in near) if near else "pretrained: false",
        )
