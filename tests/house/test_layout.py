"""Rules of the house that no linter holds."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "kfp", "mlflow", "transformers", "timm", "datasets", "numpy", "pydantic")


def test_no_python_under_mlflow() -> None:
    """A module there would be imported in place of the package."""
    assert list((ROOT / "mlflow").rglob("*.py")) == []


def test_the_command_starts_light() -> None:
    code = "import sys, vitforge_pipelines.cli.main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("package", ["vitforge", "vitforge_pipelines"])
def test_every_package_is_typed_and_says_what_it_is(package: str) -> None:
    (source,) = (p.parent for p in ROOT.glob(f"*/{package}/py.typed"))
    for init in source.rglob("__init__.py"):
        assert init.read_text(encoding="utf-8").startswith('"""'), init


def test_every_module_is_read_in_one_sitting() -> None:
    for file in [*ROOT.glob("components/**/*.py"), *ROOT.glob("pipelines/**/*.py")]:
        lines = len(file.read_text(encoding="utf-8").splitlines())
        assert lines <= 300, f"{file} has {lines} lines"
        assert file.name != "utils.py", file


def test_the_lock_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    for word in ("http://", "https://", "--index-url", "--find-links"):
        assert word not in lock
