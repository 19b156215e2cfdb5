"""Who says a licence, and what is told when nobody does."""

from pathlib import Path

import pytest
import timm
from huggingface_hub import constants
from timm.models import save_for_hf

from vitforge.artifacts import BackboneSpec, Plan
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig
from vitforge.errors import VitforgeError
from vitforge.selection import select as step
from vitforge.selection.licence import licence_of, read_card
from vitforge.tracking import StepRun

ARGS = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: Apache-2.0\ntags: [x]\n---\n# A model", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: dinov3-license\n---\n", "dinov3-license"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\nlicense: [mit, gpl]\n---\n", ""),
        ("---\n: : [\n---\n", ""),
        ("---\nno end", ""),
        ("# license: mit", ""),
        ("", ""),
    ],
)
def test_cards(card: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert read_card(tmp_path / "README.md") == licence


def test_the_user_comes_first_and_a_cached_card_last(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    refs = tmp_path / "models--org--name" / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    spec = BackboneSpec(library="transformers", name="org/name", pretrained=True, label="")
    candidate = Candidate(backbone="org/name")
    assert licence_of(candidate, spec) == "cc-by-nc-4.0"
    said = candidate.model_copy(update={"licence": "MIT"})
    assert licence_of(said, spec) == "mit"
    assert licence_of(candidate.model_copy(update={"pretrained": False}), spec) == ""
    entry = Candidate(backbone="timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    assert licence_of(entry, spec) == "apache-2.0"


def plan_with(card: str | None, colours: Path, where: Path, **config) -> Plan:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=4, **ARGS)
    save_for_hf(model, where / "saved", model_args=ARGS, safe_serialization=True)
    (where / "saved" / "README.md").unlink(missing_ok=True)
    if card is not None:
        (where / "saved" / "README.md").write_text(card)
    with StepRun("select_model", where / "spool") as run:
        return step.select(
            colours,
            backbone=str(where / "saved"),
            strategy="head",
            epochs=1,
            seed=0,
            config=SelectionConfig(sample_images=30, **config),
            recipe=FinetuningConfig(device="cpu", batch_size=8),
            out=where / "plan",
            run=run,
        )


def test_a_folders_card_is_kept_and_obeyed(colours: Path, tmp_path: Path) -> None:
    plan = plan_with("---\nlicense: mit\n---\n", colours, tmp_path)
    assert plan.candidates[0].licence == "mit"
    assert not any("not known" in reason for reason in plan.reasons)
    with pytest.raises(VitforgeError, match=r"cc-by-nc-4\.0 forbids"):
        plan_with("---\nlicense: cc-by-nc-4.0\n---\n", colours, tmp_path)


def test_an_unknown_licence_is_said_aloud(colours: Path, tmp_path: Path) -> None:
    plan = plan_with(None, colours, tmp_path)
    assert "not known" in plan.reasons[0] and "licence: apache-2.0" in plan.reasons[0]
    research = plan_with(None, colours, tmp_path / "research", use="research")
    assert not any("not known" in reason for reason in research.reasons)
