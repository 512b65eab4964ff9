"""The command `plan`: its JSON, its text, its page, and what it refuses."""

import pytest
from pages import Page

COSTS = """
[hardware]
name = "h100-sxm"
devices = 1000
utilisation = 0.4
price = 2.0
currency = "EUR"
[inference]
prompt_tokens = "1T"
output_tokens = "3T"
[limits]
max_params = "70B"
"""


@pytest.fixture(scope="module")
def costs(tmp_path_factory):
    path = tmp_path_factory.mktemp("costs") / "costs.toml"
    path.write_text(COSTS)
    return path


def test_a_budget_in_json(answer, plain):
    told = answer("plan", plain, "--flops", "5.76e23", "--params", "280B,30B")
    assert told["plan"]["training_flops"] == pytest.approx(5.76e23)
    assert told["plan"]["money"] is None
    assert [each["name"] for each in told["alternatives"]][2:] == ["own 280B", "own 30B"]
    assert told["valley"]["params"][0] < told["plan"]["params"] < told["valley"]["params"][1]
    assert told["regret"]["nats"]["mean"] < told["alternatives"][2]["regret"]["nats"]["mean"]


def test_options_go_before_the_file(answer, plain, costs):
    stated = ["plan", plain, "--flops", "1e23", "--costs", costs]
    told = answer(*stated)
    again = answer(*stated, "--inference-tokens", "0", "--max-params", "5B", "--price", "4")
    assert told["plan"]["inference_flops"] == pytest.approx(2 * told["plan"]["params"] * 4e12)
    assert again["plan"]["inference_flops"] == 0
    assert again["plan"]["params"] == pytest.approx(5e9)
    assert again["plan"]["money"] == pytest.approx(2 * told["plan"]["money"])
    assert told["plan"]["days"] < again["plan"]["days"]


def test_a_target_in_json(answer, plain):
    told = answer("plan", plain, "--target-loss", "2.1", "--confidence", "0.7", "--law-only")
    assert told["target"]["loss"] == 2.1
    assert told["target"]["flops"] == pytest.approx(told["plan"]["training_flops"])
    assert told["plan"]["loss"]["median"] < 2.1 < told["plan"]["loss"]["upper"] + 0.05


def test_the_text_has_plan_law_alone_and_alternatives(run, plain, costs):
    text = run("plan", plain, "--flops", "1e23", "--costs", costs).stdout
    text = " ".join(text.split())
    for part in (
        "Least expected loss for 1e23 FLOPs of training and 4T tokens of inference",
        "(by the law alone)",
        "20 tokens a parameter",
        "No size is flat",
        "Optimal are",
        "EUR in all",
        "times (",
    ):
        assert part in text, text
    several = run("plan", plain, "--flops", "1e21,1e22", "--law-only").stdout
    assert "\n 1e21  plan" in several
    assert "Expected regret stays under" in several


def test_the_page_stands_alone(run, plain, tmp_path):
    path = tmp_path / "plan.html"
    run("plan", plain, "--flops", "1e22,1e23", "-o", path)
    page = Page(path.read_text())
    sections = ("answer", "choices", "pictures", "planner", "beyond", "asked")
    assert [each for each in page.ids if each in sections] == list(sections)
    assert len(page.images) == 4
    assert all(each.startswith("data:image/") for each in page.loads)
    assert not page.tags & {"link", "iframe"}
    choices = page.column("The plan and its alternatives", "choice")
    assert choices[:3] == ["plan", "(by the law alone)", "20 tokens a parameter"]
    loss = page.column("The plan and its alternatives", "loss (nats), median")[0]
    assert f"for a loss of {loss}" in " ".join(page.sections["answer"].split())


def test_a_page_of_a_target_out_of_reach(run, plain, tmp_path):
    path = tmp_path / "plan.html"
    text = run("plan", plain, "--target-loss", "1.2", "-o", path).stdout
    assert "Unreachable" in text
    assert "out of reach" in Page(path.read_text()).text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--flops", "5.76e23", "--target-loss", "2"], "not both"),
        ([], "give a budget"),
        (["--flops", "1e23", "--hardware", "abacus"], "unknown hardware 'abacus'"),
        (["--flops", "1e23", "--hardware", "b200", "--price", "0"], "greater than 0"),
        (["--flops", "1e23", "--max-money", "1M"], "price of the hardware"),
        (["--flops", "1e23", "--unique-tokens", "1T"], "repeated"),
        (["--flops", "1e23", "--max-params", "3"], "no model fits all limits"),
        (["--flops", "1e23", "--risk", "hope"], "cvar:0.9"),
        (["--flops", "1e23", "--group", "nobody"], "unknown group 'nobody'"),
        (["--flops", "1e23", "--new-group"], "pools over nothing"),
        (["--flops", "1e23", "--costs", "none.toml"], "cannot read costs"),
        (["--target-loss", "2", "--confidence", "2"], "confidence must lie"),
        (["--flops", "1e23", "-o", "no/such/folder/plan.html"], "make the folder"),
    ],
)
def test_bad_use_is_refused(run, plain, options, told):
    assert told in run("plan", plain, *options, code=2).stderr


def test_a_fit_that_must_not_be_trusted(run, distrusted):
    asked = ("plan", distrusted, "--flops", "1e23")
    assert "must not be trusted" in run(*asked, code=1).stderr
    run(*asked, "--accept-problems")


def test_a_fit_of_groups_needs_one(run, answer, pooled):
    assert "choose one of" in run("plan", pooled, "--flops", "1e23", code=2).stderr
    assert answer("plan", pooled, "--flops", "1e23", "--group", "experts")["group"] == "experts"
