"""Results of studies on disk and in memory: as they were, whole, and of no other study."""

import errno
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from study_examples import STUDY, square, tasks_of

from bayes_scaling.comparison.scoring import KEPT_DRAWS, compact, score_draws
from bayes_scaling.comparison.studies import run_tasks
from bayes_scaling.errors import InputError

RUNS = 20


def scored(seed):
    """Predictions of some runs, as a back-test gives them."""
    draws = np.random.default_rng(seed).normal(size=(300, RUNS))
    return score_draws(draws, np.zeros(RUNS))


def test_results_come_back_from_disk_as_they_were(tmp_path):
    tasks = tasks_of([0.1, 1e300, -2.5e-17])
    fresh = run_tasks(square, tasks, study=STUDY, resume=tmp_path / "study")
    assert run_tasks(square, tasks, study=STUDY, resume=tmp_path / "study") == fresh


def test_what_is_held_of_results_is_compact_and_files_are_as_they_were(tmp_path):
    tasks = tasks_of(range(4))
    plain, made = tmp_path / "plain", tmp_path / "made"
    run_tasks(square, tasks, study=STUDY, resume=plain)
    held = run_tasks(square, tasks, study=STUDY, resume=made, compact=tuple)
    assert set(held.values()) == {("square", "nothing")}
    assert run_tasks(square, tasks, study=STUDY, resume=made, compact=tuple) == held
    for path in plain.iterdir():
        assert (made / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kept", [False, True])
def test_memory_grows_by_eight_bytes_a_number(kept, tmp_path):
    folder = tmp_path / "study" if kept else None

    def run(n):
        return run_tasks(scored, tasks_of(range(n)), study=STUDY, resume=folder, compact=compact)

    def peak(n):
        tracemalloc.start()
        run(n)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    # With a folder, results are read from it when they are measured.
    numbers = sum(np.size(value) for value in run(40)["task 0"].values())
    assert numbers > RUNS * KEPT_DRAWS
    assert (peak(40) - peak(10)) / 30 < 1.2 * 8 * numbers


def test_folders_of_other_studies_and_versions_are_refused_and_left_alone(tmp_path):
    folder = tmp_path / "study"
    run_tasks(square, tasks_of([1, 2]), study=STUDY, resume=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refused(match, study=STUDY):
        with pytest.raises(InputError, match=match):
            run_tasks(square, tasks_of([1, 2, 3]), study=study, resume=folder)

    refused("differ in runs, seed", {"runs": "b", "seed": "2"})
    refused("differ in cards", {**STUDY, "cards": "c"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    manifest = folder / "study.json"
    for key, value in (("version", "0.0.1"), ("format", 99)):
        manifest.write_text(json.dumps({**json.loads(before["study.json"]), key: value}))
        refused(f"another version of bayes-scaling \\({key} {value}")
    manifest.write_text("{}")
    refused("not made by bayes-scaling")
    manifest.write_text("half a fi")
    refused("damaged")


def test_folders_that_are_no_studies_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("Chapter 1")
    for folder, match in (
        (tmp_path, "holds other files"),
        (tmp_path / "no" / "where", "cannot keep results"),
        (tmp_path / "thesis.tex", "cannot keep results"),
    ):
        with pytest.raises(InputError, match=match):
            run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_damaged_result_is_named(tmp_path):
    folder = tmp_path / "study"
    run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)
    (path,) = folder.glob("task-*.json")
    for text in ('{"key": "ta', "[]"):
        path.write_text(text)
        with pytest.raises(InputError, match=f"{path.name}.*delete it"):
            run_tasks(square, tasks_of([1]), study=STUDY, resume=folder)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    write, written = Path.write_text, []

    def full(self, text, **settings):
        written.append(self)
        if len(written) > 3:  # the manifest and two results
            write(self, text[:5], **settings)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, text, **settings)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="No space left"):
        run_tasks(square, tasks_of(range(5)), study=STUDY, resume=folder)
    monkeypatch.undo()
    assert len(list(folder.iterdir())) == 3
    assert len(run_tasks(square, tasks_of(range(5)), study=STUDY, resume=folder)) == 5
