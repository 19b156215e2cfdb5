"""Only safetensors are read: a pickle runs whatever code its author put in."""

from pathlib import Path

from vitforge.errors import VitforgeError

PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".pickle", ".tar")


def find_weights(folder: Path, where: str = "") -> list[Path]:
    """The safetensors files of a model folder.

    Args:
        folder: Holds `model.safetensors`, or its shards.
        where: How to call the folder in an error; empty takes its path.

    Raises:
        VitforgeError: if there are none; where there are pickles instead, they are refused.
    """
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickles = sorted(f.name for f in folder.iterdir() if f.suffix in PICKLES)
    if pickles:
        raise VitforgeError(
            f"the weights are pickles ({', '.join(pickles)}), which can run code when loaded",
            where=where or str(folder),
            mend="convert them to model.safetensors where you trust them, or take another model",
        )
    raise VitforgeError(
        "no safetensors weights",
        where=where or str(folder),
        mend="take a model with model.safetensors, or set pretrained: false",
    )
