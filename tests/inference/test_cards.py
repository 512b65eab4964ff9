import tomllib

import pytest

from bayes_scaling.errors import CardError
from bayes_scaling.inference.card import list_cards, load_card, parse_card
from bayes_scaling.resources import resource_dir
from bayes_scaling.runs import list_runs

TEXT = (resource_dir("models") / "chinchilla-hierarchical.toml").read_text()
E_PRIOR = 'distribution = "lognormal"\nmedian = 0.7'


def test_shipped_cards_load_under_their_file_names():
    assert {"chinchilla", "chinchilla-hierarchical"} < {card.name for card in list_cards()}
    for card in list_cards():
        assert load_card(card.name) == card


def test_every_prior_gives_its_reason():
    for card in list_cards():
        priors = [*card.priors.values(), card.noise.sigma, card.noise.nu, card.noise.run_sigma]
        priors += list(card.pooling.spread.values()) if card.pooling else []
        assert all(len(prior.reason) > 5 for prior in priors)


def test_data_sets_that_a_card_learned_from_are_in_the_catalogue():
    named = {card.name: card.learned_from for card in list_cards()}
    for name in ("coupled-informed", "chinchilla-informed"):
        assert {"chinchilla", "chinchilla-234", "pile-families"} == set(named.pop(name))
    assert not any(named.values())
    known = {entry.name for entry in list_runs() if entry.holds == "runs"}
    assert set(load_card("coupled-informed").learned_from) <= known
    assert "learned_from" in load_card("coupled-informed").model_dump(mode="json")


def test_an_edited_copy_is_used(tmp_path):
    path = tmp_path / "my_card.toml"
    path.write_text(TEXT.replace('name = "chinchilla-hierarchical"', 'name = "mine"'))
    assert load_card(path).name == "mine"
    assert load_card(str(path)).name == "mine"


BROKEN = {
    "unknown key": (TEXT.replace("[noise]", 'colour = "blue"\n[noise]', 1), "colour"),
    "negative scale": (TEXT.replace("sigma = 0.4", "sigma = -0.35"), r"priors\.E.*sigma"),
    "zero median": (TEXT.replace("median = 0.7", "median = 0"), r"priors\.E.*median"),
    "infinite": (TEXT.replace("sigma = 0.4", "sigma = inf"), r"priors\.E.*sigma"),
    "unknown law": (TEXT.replace('law = "chinchilla"', 'law = "chincilla"'), "unknown law"),
    "missing prior": (TEXT.replace("[priors.beta]", "[priors.gamma]"), "unknown gamma; missing"),
    "wrong support": (
        TEXT.replace(E_PRIOR, 'distribution = "normal"\nmean = 0.7'),
        "E is positive",
    ),
    "unknown distribution": (
        TEXT.replace(E_PRIOR, 'distribution = "cauchy"\nmean = 1'),
        r"priors\.E",
    ),
    "no reason": (TEXT.replace('reason = "As alpha."', 'reason = ""'), "reason"),
    "missing spread": (TEXT.replace("[pooling.spread.sigma]", "[pooling.spread.T_X]"), "T_X"),
    "three columns": (TEXT.replace('["architecture"]', '["a", "b", "c"]'), "over"),
    "other format": (TEXT.replace("format = 1", "format = 2"), "format"),
    "not TOML": (TEXT + "\n[[", "not valid TOML"),
    "empty": ("", "Field required"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_cards_name_the_key(what, tmp_path):
    text, expected = BROKEN[what]
    assert text != TEXT
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(CardError, match=expected) as caught:
        load_card(path)
    assert "card.toml" in str(caught.value)


def test_all_problems_are_named_at_once():
    text = TEXT.replace("sigma = 0.4", "sigma = -1").replace("median = 5.0", "median = -5.0")
    with pytest.raises(CardError) as caught:
        parse_card(text)
    assert "priors.E" in str(caught.value)
    assert "noise.nu" in str(caught.value)


def test_unknown_card_lists_the_known(tmp_path):
    with pytest.raises(CardError, match=r"known: .*'chinchilla', 'chinchilla-hierarchical'"):
        load_card("chinchila")
    with pytest.raises(CardError, match="cannot read"):
        load_card(tmp_path / "missing.toml")
    with pytest.raises(CardError, match="cannot read"):
        load_card(tmp_path)


def test_binary_file_is_an_error(tmp_path):
    path = tmp_path / "card.toml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(CardError, match="cannot read"):
        load_card(path)


def test_both_cards_agree_on_the_priors_they_share():
    single, pooled = (
        tomllib.loads((resource_dir("models") / f"{name}.toml").read_text())
        for name in ("chinchilla", "chinchilla-hierarchical")
    )
    assert single["priors"] == pooled["priors"]
    assert single["noise"] == pooled["noise"]


def test_an_edited_copy_does_not_pass_for_the_original(tmp_path):
    path = tmp_path / "wider.toml"
    path.write_text(TEXT.replace("sigma = 0.4", "sigma = 0.6"))
    assert load_card(path).name == "wider"
