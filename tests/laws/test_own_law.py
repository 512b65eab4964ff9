"""A law that a reader writes: the documented example, and its name in the registry."""

import doctest

import pytest

from bayes_scaling.errors import CardError, InputError
from bayes_scaling.inference.card import load_card
from bayes_scaling.laws import Law, base, get_law, register_law, registry
from bayes_scaling.resources import resource_dir


@pytest.fixture
def registered(monkeypatch):
    """A registry that forgets what a test adds to it."""
    monkeypatch.setattr(registry, "_LAWS", dict(registry._LAWS))


def test_the_example_of_the_documentation_runs():
    result = doctest.testmod(base)
    assert result.attempted >= 4
    assert result.failed == 0


def law_of_a_cell(formula: str) -> type[Law]:
    """As a notebook cell defines it: a new class whenever the cell is run."""
    attributes = {"name": "mine", "formula": formula, "__module__": "__main__"}
    return register_law(type("Mine", (type(get_law("chinchilla")),), attributes))


@pytest.mark.usefixtures("registered")
def test_a_cell_that_is_run_again_replaces_its_law():
    law_of_a_cell("first")
    again = law_of_a_cell("second")
    assert type(get_law("mine")) is again
    assert get_law("mine").formula == "second"


@pytest.mark.usefixtures("registered")
def test_another_law_of_the_same_name_is_refused():
    law_of_a_cell("first")
    attributes = {"name": "mine", "__module__": "somewhere.else"}
    with pytest.raises(InputError, match="already registered"):
        register_law(type("Mine", (type(get_law("chinchilla")),), attributes))


def test_a_card_of_a_law_that_was_not_imported_says_so(tmp_path):
    text = (resource_dir("models") / "chinchilla.toml").read_text(encoding="utf-8")
    card = tmp_path / "card.toml"
    card.write_text(text.replace('law = "chinchilla"', 'law = "mine"'), encoding="utf-8")
    with pytest.raises(CardError, match="known once the file that registers it is imported"):
        load_card(card)
