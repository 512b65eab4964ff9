import dataclasses
import hashlib
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_scaling.errors import DownloadError, InputError
from bayes_scaling.resources import resource_dir
from bayes_scaling.runs import (
    catalogue,
    check_groups,
    datasheet,
    fetch,
    list_runs,
    load_runs,
    load_table,
)

DOWNLOADS = [e for e in list_runs() if e.kind == "download" and e.holds == "runs"]
EMBEDDED = [entry for entry in list_runs() if entry.kind == "embedded"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BAYES_SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BAYES_SCALING_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "cache"


@pytest.fixture
def unreachable(monkeypatch):
    """The catalogue, with addresses at which nothing listens."""
    entries = {
        entry.name: dataclasses.replace(entry, url=f"http://127.0.0.1:9/{entry.file}")
        for entry in list_runs()
    }
    monkeypatch.setattr(catalogue, "_entries", lambda: entries)


@pytest.mark.parametrize("entry", list_runs(), ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    sheet = datasheet(entry.name)
    assert sheet.startswith(f"# {entry.name}")
    assert "Licence" in sheet
    assert entry.title
    assert entry.citation
    assert entry.licence
    assert len(entry.sha256) == 64
    assert bool(entry.url) == (entry.kind == "download")


def test_what_is_embedded():
    held = {entry.name: (entry.holds, entry.n_rows) for entry in EMBEDDED}
    assert held == {
        "pile-families": ("runs", 56),
        "known-models": ("models", 17),
        "gpt3-benchmarks": ("metrics", 1320),
        "emergent-abilities": ("abilities", 22),
    }
    downloads = {entry.name: entry.holds for entry in list_runs() if entry.kind == "download"}
    assert downloads.pop("inverse-scaling-pythia") == "metrics"
    assert set(downloads.values()) == {"runs"}


@pytest.mark.parametrize("entry", EMBEDDED, ids=lambda entry: entry.name)
def test_an_embedded_set_is_as_described(entry):
    path = fetch(entry.name)
    assert path.parent == resource_dir("data")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256
    table = pd.read_csv(path)
    assert len(table) == entry.n_rows
    assert set(table.columns) <= {
        word.strip("`") for word in datasheet(entry.name).replace("|", " ").split()
    }


@pytest.mark.parametrize("entry", EMBEDDED, ids=lambda entry: entry.name)
def test_a_table_is_what_the_file_has(entry):
    table = load_table(entry.name)
    pd.testing.assert_frame_equal(table, pd.read_csv(fetch(entry.name)), check_column_type=False)


def test_a_table_keeps_what_runs_leave_out():
    assert load_table("pile-families")["suspect"].sum() == 1
    assert len(load_table("pile-families")) == len(load_runs("pile-families")) + 1


def test_a_table_can_be_downloaded(shared_data, monkeypatch):
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(shared_data / "original"))
    table = load_table("chinchilla")
    assert len(table) == 245
    assert {"Model Size", "Training FLOP"} <= set(table.columns)


def test_models_are_not_runs():
    with pytest.raises(
        InputError, match=r"'known-models' is a table of models, .* load_table\('known-models'\)"
    ):
        load_runs("known-models")


def test_known_models_are_those_of_the_source(shared_data):
    public = pd.read_csv(shared_data / "published" / "gpt3_table_D1.csv")
    pd.testing.assert_frame_equal(
        load_table("known-models"), public, check_column_type=False, check_exact=True
    )


def test_pile_families():
    runs = load_runs("pile-families")
    assert len(runs) == 55
    assert len(runs.excluded) == 1
    assert runs.excluded["loss"].item() == 1.889
    assert "arXiv:2304.03208" in runs.source
    assert {p.code for p in runs.problems} == {"suspect-runs", "ratio-outliers"}
    # Printed FLOPs count more than 6ND does, so they are kept aside.
    ratio = (runs.table["flops_printed"] / runs.flops).dropna()
    assert ratio.between(1.1, 1.8).all()
    assert runs.groups("architecture").nunique() == 9
    assert runs.table.groupby("run").size().loc["RWKV-4 14B"] == 7
    assert [p.code for p in check_groups(runs, "architecture")] == ["single-run-group"]


def test_the_embedded_figures_are_those_of_their_sources(shared_data):
    parts = ("pile_families_cerebras_table", "rwkv_pile_checkpoints")
    public = pd.concat([pd.read_csv(shared_data / "loss" / f"{part}.csv") for part in parts])
    ours = pd.read_csv(fetch("pile-families"))
    for theirs, column in (("group", "architecture"), ("params",) * 2, ("tokens",) * 2,
                           ("loss",) * 2):  # fmt: skip
        assert sorted(public[theirs]) == sorted(ours[column])


@pytest.mark.parametrize("entry", DOWNLOADS, ids=lambda entry: entry.name)
def test_the_original_files_through_a_mirror(entry, shared_data, monkeypatch):
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(shared_data / "original"))
    runs = load_runs(entry.name)
    assert len(runs) == entry.n_rows
    assert np.isclose(runs.params.min(), 57.33e6, rtol=1e-3)
    assert runs.name == entry.name


def test_a_file_in_the_cache_needs_no_mirror(shared_data, own_cache, unreachable):
    own_cache.mkdir()
    entry = DOWNLOADS[0]
    shutil.copy(shared_data / "original" / entry.file, own_cache / entry.file)
    assert fetch(entry.name) == own_cache / entry.file


def test_a_damaged_mirror_is_refused(tmp_path, monkeypatch, own_cache):
    entry = DOWNLOADS[0]
    (tmp_path / entry.file).write_text("Model Size,Training FLOP,loss\n1e9,1e20,2.5\n")
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(tmp_path))
    with pytest.raises(DownloadError, match=r"not the file of the catalogue: found SHA-256"):
        fetch(entry.name)
    assert not own_cache.exists()


def test_without_a_network_the_way_out_is_told(unreachable, own_cache):
    entry = DOWNLOADS[0]
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        load_runs(entry.name)
    assert time.monotonic() - start < 10
    for part in ("127.0.0.1:9", "BAYES_SCALING_MIRROR", entry.file, str(own_cache)):
        assert part in str(caught.value)


def test_a_wrong_download_is_refused_and_not_kept(monkeypatch, own_cache):
    import pooch

    def downloader(**_options):
        def write(_url, output, _pooch, check_only=False):
            Path(output).write_bytes(b"something else")

        return write

    monkeypatch.setattr(pooch, "HTTPDownloader", downloader)
    with pytest.raises(DownloadError, match="does not match the known hash"):
        fetch(DOWNLOADS[0].name)
    assert not (own_cache / DOWNLOADS[0].file).exists()


def test_a_mirror_without_the_file_is_named(unreachable, tmp_path, monkeypatch):
    monkeypatch.setenv("BAYES_SCALING_MIRROR", str(tmp_path))
    with pytest.raises(DownloadError, match=f"not in BAYES_SCALING_MIRROR={tmp_path}"):
        fetch(DOWNLOADS[0].name)


def test_unknown_names_list_the_known_ones():
    for ask in (load_runs, load_table, fetch, datasheet):
        with pytest.raises(InputError, match=r"unknown data set 'pile'; known: 'pile-families'"):
            ask("pile")


def test_emergent_scales_are_those_of_the_public_table(shared_data):
    public = pd.read_csv(shared_data / "published" / "wei_table1_emergent_scale.csv")
    pd.testing.assert_frame_equal(
        load_table("emergent-abilities"), public, check_column_type=False, check_exact=True
    )
    with pytest.raises(InputError, match="'emergent-abilities' is a table of abilities"):
        load_runs("emergent-abilities")
