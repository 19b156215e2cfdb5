"""The README's commands, to the letter and in their order, on a finished demo."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
SET_UP = ("make demo", "make test")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout, with a few images of the reader's own."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / "pipelines" / "configs", folder / "pipelines" / "configs")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        images = folder / "my-project" / "images" / name
        images.mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(images / f"{number}.png")
    return folder


def test_the_first_commands_are_the_makefiles() -> None:
    """`.ci/run` runs them."""
    assert COMMANDS[:2] == list(SET_UP)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for command in SET_UP:
        assert f"\n{command.removeprefix('make ')}: " in makefile
        assert command in ci


@pytest.mark.slow
def test_the_readmes_commands_work(
    place: Path, environment: dict[str, str], vitforge: Callable[..., Any]
) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8080)) == 0:
            pytest.fail("port 8080, which the README names, is in use on this machine")
    demo = vitforge("run", "pipelines/configs/digits.yaml", cwd=place)
    assert demo.returncode == 0, demo.stderr
    for line in ("verdict", "report", "MLflow", "digits version 1, challenger"):
        assert line in demo.stderr
    try:
        for command in COMMANDS[2:]:
            ran = subprocess.run(
                ["bash", "-c", command],
                cwd=place,
                env=environment,
                text=True,
                capture_output=True,
                check=False,
                timeout=300,
            )
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
            if "docs/seven.png" in command:
                assert re.search(r'"label": ?"7"|\t7\t', ran.stdout), ran.stdout
    finally:
        vitforge("stop", "digits", cwd=place)
    assert (place / "training.yaml").exists()
