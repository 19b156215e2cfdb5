"""Following steps by what they append to the spool."""

from pathlib import Path

import pytest

from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun
from vitforge_pipelines.runners.watch import Watch


def test_a_steps_life_is_seen(tmp_path: Path) -> None:
    watch = Watch(tmp_path, ("a", "b"))
    assert not watch.update()
    with StepRun("a", tmp_path) as run:
        run.progress(3, 10, "third")
        assert watch.update()
        view = watch.steps["a"]
        assert (view.state, view.fraction, view.text) == ("running", 0.3, "third")
        run.note("all well")
    assert watch.update()
    assert watch.steps["a"].state == "done"
    assert watch.steps["a"].notes == ["all well"]
    assert watch.steps["a"].seconds > 0
    assert watch.steps["b"].state == "waiting"
    assert watch.failed is None


def test_a_failure_is_told_with_its_mend(tmp_path: Path) -> None:
    watch = Watch(tmp_path, ("a",))
    with pytest.raises(VitforgeError), StepRun("a", tmp_path):
        raise VitforgeError("no images", where="x/", mend="add some")
    watch.update()
    assert watch.failed is not None
    assert (watch.failed.cause, watch.failed.where, watch.failed.mend) == (
        "no images",
        "x/",
        "add some",
    )


def test_a_second_attempt_forgets_the_first(tmp_path: Path) -> None:
    watch = Watch(tmp_path, ("a",))
    with pytest.raises(ValueError, match="odd"), StepRun("a", tmp_path):
        raise ValueError("odd")
    with StepRun("a", tmp_path):
        pass
    watch.update()
    assert watch.failed is None
    assert watch.steps["a"].cause == ""


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    watch = Watch(tmp_path, ("a",))
    with StepRun("a", tmp_path):
        pass
    events = tmp_path / "a" / "events.jsonl"
    whole = events.read_bytes()
    events.write_bytes(whole[:-5])
    watch.update()
    assert watch.steps["a"].state == "running"
    events.write_bytes(whole)
    watch.update()
    assert watch.steps["a"].state == "done"


def test_a_step_whose_process_is_gone_is_marked(tmp_path: Path) -> None:
    watch = Watch(tmp_path, ("a", "b"))
    run = StepRun("a", tmp_path)
    run.__enter__()
    watch.update()
    view = watch.stop("killed", "again")
    assert view is watch.failed
    assert view is not None and view.cause == "killed"


def test_going_on_keeps_what_is_done_and_forgets_how_the_rest_ended(tmp_path: Path) -> None:
    with StepRun("prepare_data", tmp_path):
        pass
    with pytest.raises(VitforgeError), StepRun("select_model", tmp_path):
        raise VitforgeError("no")
    watch = Watch(tmp_path, ("prepare_data", "select_model"))
    watch.update()
    assert watch.keep_finished() == ("prepare_data",)
    assert watch.steps["prepare_data"].kept
    assert watch.steps["select_model"].state == "waiting"
    assert watch.failed is None
