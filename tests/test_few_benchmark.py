"""How the benchmark of few runs draws its tables, and goes on where it was interrupted."""

import json

import numpy as np
import pandas as pd
import pytest

from bayes_scaling.inference.card import load_card
from benchmarks import few
from benchmarks.discrepancy import Study, runs_of


@pytest.fixture
def study(monkeypatch):
    """A sweep of two sources each, of which 12 and 4 runs lie below a tenth of the compute."""
    found = Study(tables={"a one": _sweep(12), "b one": _sweep(4)})
    monkeypatch.setattr(few.Study, "read", lambda _: found)
    return found


def _sweep(n_below):
    rng = np.random.default_rng(n_below)
    flops = np.append(np.geomspace(1e18, 1e20, n_below), [5e20, 1e21])
    params = np.sqrt(flops / 6 / np.tile([10.0, 40.0], len(flops))[: len(flops)])
    tokens = flops / 6 / params
    loss = 1.8 + 480 / params**0.35 + 2000 / tokens**0.37
    loss = loss * np.exp(0.004 * rng.normal(size=len(loss)))
    return runs_of(pd.DataFrame({"params": params, "tokens": tokens, "loss": loss}))


def test_few_runs_lie_below_the_cut_and_all_beyond_it_are_predicted(study):
    tables = list(few._tables(study, 2, seed=1))
    drawn = [(t.sweep, int(t.few.sum()), t.repeat) for t in tables]
    assert drawn == [*(("a one", n, i) for n in (3, 5, 10) for i in (0, 1)),
                     ("b one", 3, 0), ("b one", 3, 1)]  # fmt: skip
    for table in tables:
        flops = table.runs.flops
        assert flops[table.few].max() <= flops.max() / 10 * (1 + 1e-9)
        assert table.held.sum() == 2
        assert not np.any(table.few & table.held)


def test_more_repeats_add_tables_and_leave_the_others_as_they_are(study):
    fewer = list(few._tables(study, 1, seed=1))
    more = [each for each in few._tables(study, 3, seed=1) if each.repeat == 0]
    assert [t.few.tolist() for t in fewer] == [t.few.tolist() for t in more]


def test_all_runs_below_the_cut_can_be_drawn_once_only(monkeypatch):
    monkeypatch.setattr(few, "RUNS", (4,))
    assert len(list(few._tables(Study(tables={"b one": _sweep(4)}), 3, seed=1))) == 1


def test_what_is_done_is_saved_and_not_done_again(study, monkeypatch, tmp_path):
    learned = load_card("chinchilla-informed").model_copy(update={"pooling": None})
    asked = []

    def cards(study, law):
        asked.append(law)
        return dict.fromkeys(study.sources, learned).items()

    def scored(study, table, card, seed):
        asked.append((table.sweep, card.name))
        if len(asked) == 4:
            raise KeyboardInterrupt
        score = {"crps": 0.01, "inside50": 0.5, "inside90": 1.0, "interval": 0.1, "width": 0.1}
        return {"n": 2, **score, "bias": 0.0, "by_nuts": False, "mixed": True}

    monkeypatch.setattr(few, "informed_cards", cards)
    monkeypatch.setattr(few, "_scored", scored)
    with pytest.raises(KeyboardInterrupt):
        few.run(["chinchilla"], 1, tmp_path, 1, tmp_path)
    assert len(json.loads((tmp_path / "few.json").read_text())["rows"]) == 2
    report = few.run(["chinchilla"], 1, tmp_path, 1, tmp_path)
    # Four tables by two cards, the one that was interrupted twice; cards were learned once.
    assert len(asked) == 1 + 8 + 1
    assert asked[1:3] == [("a one", "chinchilla-informed"), ("a one", "chinchilla")]
    assert len(json.loads((tmp_path / "few.json").read_text())["rows"]) == 8
    assert "| chinchilla | 3 | learned elsewhere | 2 | 2 |" in report
    assert few.run(["chinchilla"], 1, tmp_path, 1, tmp_path) == report


def test_a_card_is_scored_by_the_runs_that_it_has_not_seen(study):
    card = load_card("chinchilla-informed").model_copy(update={"pooling": None})
    table = next(iter(few._tables(study, 1, seed=1)))
    row = few._scored(study, table, card, seed=1)
    assert row["n"] == 2
    assert not row["by_nuts"]
    assert 0 < row["width"] <= row["interval"] + 1e-9
