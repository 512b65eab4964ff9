"""Designs of some rows only, as when the runs of the most compute are held out."""

import numpy as np
import pandas as pd
import pytest

from bayes_scaling.inference.card import load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.model import build_model
from bayes_scaling.runs import load_runs, read_runs


def checkpoints() -> Design:
    """Three training runs of three rows each, the last in a group of its own."""
    table = pd.DataFrame(
        {
            "params": np.repeat([1e8, 4e8, 2e9], 3),
            "tokens": np.tile([2e9, 8e9, 3e10], 3),
            "loss": [3.6, 3.2, 3.0, 3.2, 2.8, 2.6, 3.0, 2.6, 2.4],
            "run": np.repeat(["small", "middle", "large"], 3),
            "architecture": np.repeat(["dense", "dense", "looped"], 3),
        }
    )
    card = load_card("chinchilla-hierarchical")
    return make_design(read_runs(table), "architecture", card)


def test_training_runs_and_groups_without_a_row_lie_at_the_reference():
    design = checkpoints()
    part = design.take(np.array([False] * 3 + [True] * 3 + [False] * 3))
    middles, group = part.training_run_anchor
    own = design.training_runs.index("middle")
    for name, values in middles.items():
        assert values[own] == pytest.approx(design.training_run_anchor[0][name][own])
        np.testing.assert_allclose(np.delete(values, own), design.reference.log_inputs[name])
    assert group.tolist() == [0, 0, 0]
    assert all(np.all(np.isfinite(values)) for values in part.anchor.values())


def test_the_group_of_a_training_run_does_not_depend_on_which_others_are_there():
    design = checkpoints()
    whole = dict(zip(design.training_runs, design.training_run_anchor[1], strict=True))
    part = design.take(np.array([False] * 3 + [True] * 6))
    found = dict(zip(part.training_runs, part.training_run_anchor[1], strict=True))
    assert found["middle"] == whole["middle"]
    assert found["large"] == whole["large"] != whole["middle"]


def test_a_model_of_the_smaller_half_of_the_embedded_runs_can_be_built():
    runs = load_runs("pile-families")
    card = load_card("coupled").grouped_by(())
    part = make_design(runs, None, card).take(runs.flops < np.median(runs.flops))
    model = build_model(card, part)
    assert np.isfinite(model.compile_logp()(model.initial_point()))
