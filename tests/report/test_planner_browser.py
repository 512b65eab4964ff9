"""The planner as a reader uses it: in Chromium, by keyboard, as wide as a desk and a phone."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from examples import law_fit
from planner import best_of_each
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bayes_scaling.decisions import load_costs, plan
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.report import write_plan, write_planner
from bayes_scaling.report.planner_widgets import STEP
from bayes_scaling.units import parse_quantity

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = (1200, 400)
FLOPS, PRICE, SECONDS = 5.76e23, 2.5, 20
REQUEST = "Network.requestWillBeSent"
NASTY = "</script><script>alert(1)</script> & 'x' `${y}` \\"

HANDLE = """
const find = (root) => root.querySelector(".noUi-handle, select, input") ?? [
  ...root.querySelectorAll("*")].map((each) => each.shadowRoot).filter(Boolean).reduce(
  (found, shadow) => found ?? find(shadow), null);
return find(document.getElementById(`control-${arguments[0]}`));
"""


@pytest.fixture(scope="module")
def fit() -> Fit:
    """Of 400 draws, so that the page has all of them, and with a hostile name."""
    tree = law_fit("coupled-informed", 2, n_draws=100).tree.copy(deep=True)
    for key in ("posterior", "convergence"):
        tree[key] = tree[key].to_dataset().assign_coords(group=[NASTY, "other"])
    tree.attrs["levels"] = json.dumps([[NASTY, "other"]])
    return Fit(tree)


@pytest.fixture(scope="module")
def driver():
    """Chromium under its own driver: none is ever downloaded."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    service = shutil.which("chromedriver")
    if browser is None or service is None:
        pytest.skip("Chromium or its driver (chromedriver) is absent: install them to test in it")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    yield started
    started.quit()


class Reader:
    """Somebody with a keyboard in front of the page."""

    def __init__(self, driver, path: Path, width: int) -> None:
        self.driver, self.width = driver, width
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(path.as_uri())
        self.until(lambda: "parameters" in self.text("sentence"))

    def until(self, condition) -> None:
        WebDriverWait(self.driver, SECONDS, poll_frequency=0.05).until(lambda _: condition())

    def text(self, name: str) -> str:
        return self.driver.find_element("id", f"planner-{name}").text

    def control(self, name: str):
        return self.driver.execute_script(HANDLE, name)

    def press(self, name: str, *keys: str) -> None:
        """Press keys on a control, and wait until the page has drawn what follows."""
        self.control(name).send_keys(*keys)
        drawn = "const done = arguments[0]; setTimeout(() => requestAnimationFrame(done), 60);"
        self.driver.execute_async_script(drawn)

    def numbers(self, name: str) -> list[float]:
        """Numbers in a cell, however written."""
        written = re.findall(r"\d[\d.]*(?:e-?\d+|[kMBT]\b)?", self.text(name))
        return [parse_quantity(each) for each in written]

    def value(self, name: str) -> float:
        """What a control holds, unrounded."""
        found = "return Bokeh.documents[0].get_model_by_name(arguments[0]).value"
        return float(self.driver.execute_script(found, name))

    def source(self, name: str) -> dict[str, list[float]]:
        """What the page has computed for a plot; empty until it has."""
        found = """
const {data} = Bokeh.documents[0].get_model_by_name(arguments[0]);
return Object.fromEntries(Object.entries(data).filter(([, values]) => values.length > 0));
"""
        return self.driver.execute_script(found, name)


@pytest.fixture(scope="module", params=WIDTHS)
def reader(request, driver, fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "planner.html"
    return Reader(driver, write_planner(fit, path, flops=FLOPS), request.param)


def python_says(
    fit: Fit, reader: Reader, risk: str, *, utilisation: float | None = None, **limits: str
) -> dict:
    """What `plan` answers to the question that the controls ask now."""
    budget, inference = (10 ** reader.value(name) for name in ("budget", "inference"))
    hardware = {"name": "h200-sxm", "utilisation": 0.41, "devices": 1024, "price": PRICE}
    served = {"output_tokens": inference, "output_utilisation": utilisation}
    costs = load_costs(hardware=hardware, inference=served, limits=limits)
    answer = plan(fit, flops=budget, costs=costs, risk=risk, group=fit.groups[0])
    return json.loads(answer.to_json())


def test_moved_controls_give_what_python_gives(reader, fit):
    before = reader.text("params"), reader.value("budget")
    reader.press("budget", *[Keys.ARROW_RIGHT] * 5, Keys.PAGE_UP)
    reader.press("inference", Keys.HOME, *[Keys.PAGE_UP] * 80)
    reader.press("risk", Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    reader.press("device", "NVIDIA H200")
    reader.press("utilisation", Keys.ARROW_RIGHT)
    reader.press("price", str(PRICE), Keys.ENTER)
    assert reader.text("params") != before[0]
    assert reader.value("budget") == pytest.approx(before[1] + 10 * STEP)
    answer, one_percent = python_says(fit, reader, "cvar:0.9"), {"rel": 0.01}
    made, group, tails = answer["plan"], fit.groups[0], [0.05, 0.95]
    asked = [10 ** reader.value(name) for name in ("budget", "inference")]
    best_sizes, best_tokens = best_of_each(fit, group, np.arange(fit.n_draws), *asked)
    expected = {
        "params": [made["params"]],
        "params-range": np.quantile(best_sizes, tails).tolist(),
        "tokens": [made["tokens"]],
        "tokens-range": np.quantile(best_tokens, tails).tolist(),
        "ratio": [made["tokens"] / made["params"]],
        "loss": [made["loss"]["median"]],
        "loss-range": [made["loss"][key] for key in ("lower", "upper")],
        "training": [made["training_flops"]],
        "inference": [made["inference_flops"]],
        "days": [made["days"]],
        "money": [made["money"]],
    }
    for name, values in expected.items():
        assert reader.numbers(name) == pytest.approx(values, **one_percent), name
    nats = answer["regret"]["nats"]
    regrets = [nats["mean"], nats["lower"], nats["upper"]]
    # Written to a ten-thousandth of a nat.
    assert reader.numbers("regret") + reader.numbers("regret-range") == pytest.approx(
        regrets, rel=0.01, abs=1e-4
    )


def test_the_law_alone_is_a_choice(reader, fit):
    reader.press("drift", Keys.ARROW_DOWN)
    made = python_says(fit.law_only(), reader, "cvar:0.9")["plan"]
    assert reader.numbers("params") == pytest.approx([made["params"]], rel=0.01)
    bounds = [made["loss"][key] for key in ("lower", "upper")]
    assert reader.numbers("loss-range") == pytest.approx(bounds, rel=1e-3)
    assert reader.text("loss-range") == reader.text("alone-range")
    reader.press("drift", Keys.ARROW_UP)
    assert reader.text("loss-range") != reader.text("alone-range")


def test_the_page_of_a_plan_starts_from_what_it_was_asked(driver, fit, tmp_path):
    costs = load_costs(
        hardware={"name": "a100-80gb", "utilisation": 0.375, "devices": 4096, "price": 1.85},
        inference={"prompt_tokens": "1.7T", "output_tokens": "0.3T", "output_utilisation": 0.1},
        limits={"max_params": "15.5B", "max_money": "20M"},
    )
    answer = plan(fit, flops=FLOPS, costs=costs, risk="cvar:0.873", group=fit.groups[0])
    made = json.loads(answer.to_json())["plan"]
    page = Reader(driver, write_plan(answer, tmp_path / "plan.html", fit=fit), 1200)
    for name in ("params", "tokens", "days", "money"):
        assert page.numbers(name) == pytest.approx([made[name]], rel=0.01), name
    times = made["training_flops"] / fit.columns["flops"].max()
    assert page.numbers("beyond") == pytest.approx([times], rel=0.01)
    assert "The limit on parameters decides" in page.text("sentence")
    page.press("max_params", *[Keys.BACKSPACE] * 6, Keys.ENTER)
    assert page.numbers("params")[0] > made["params"]


LIMITED = [
    ({"max_tokens": "150B"}, "The limit on tokens decides"),
    ({"max_params": "9B"}, "The limit on parameters decides"),
    ({"max_days": "0.4"}, "The limit on days decides"),
    ({"max_money": "500k"}, "The limit on money decides"),
    ({"max_params": "6B", "max_days": "0.2"}, "The limits on parameters and days decide, and"),
]


@pytest.mark.parametrize(("limits", "told"), LIMITED)
def test_limits_give_what_python_gives(reader, fit, limits, told):
    reader.press("inference_utilisation", Keys.HOME, *[Keys.ARROW_RIGHT] * 20)
    for name, most in limits.items():
        reader.press(name, most, Keys.ENTER)
    made = python_says(fit, reader, "cvar:0.9", utilisation=0.2, **limits)["plan"]
    expected = {
        "params": made["params"],
        "tokens": made["tokens"],
        "loss": made["loss"]["median"],
        "training": made["training_flops"],
        "days": made["days"],
        "money": made["money"],
    }
    for name, value in expected.items():
        assert reader.numbers(name) == pytest.approx([value], rel=0.01), name
    assert told in reader.text("sentence")
    for name, most in limits.items():
        reader.press(name, *[Keys.BACKSPACE] * len(most), Keys.ENTER)
    reader.press("inference_utilisation", Keys.HOME)
    assert "decide" not in reader.text("sentence")


def test_limits_that_cannot_be_used_are_said(reader):
    for most, told in (("many", "must be a number such as 30 or 70B"), ("1k", "leaves nothing of")):
        reader.press("max_params", most, Keys.ENTER)
        assert told in reader.text("sentence")
        assert reader.text("params") == "–"
        reader.press("max_params", *[Keys.BACKSPACE] * len(most), Keys.ENTER)
        assert reader.text("params") != "–"


def test_curves_hold_the_plan(reader):
    def at_the_budget(name: str) -> float:
        """A curve at the budget: straight between its points, a quarter of a decade apart."""
        curve, now = reader.source("growth"), reader.source("now")
        return np.exp(np.interp(np.log(now["flops"]), *np.log([curve["flops"], curve[name]]))[0])

    now, valley = reader.source("now"), reader.source("valley")
    # The curve of all budgets follows when the controls rest.
    reader.until(lambda: at_the_budget("params") == pytest.approx(now["params"][0], rel=0.05))
    assert at_the_budget("tokens") == pytest.approx(now["tokens"][0], rel=0.05)
    middle = np.interp(np.log(now["params"]), np.log(valley["params"]), valley["median"])
    assert reader.numbers("loss") == pytest.approx(middle.tolist(), rel=3e-3)


def test_inference_that_leaves_nothing_is_said(reader):
    there = reader.value("budget"), reader.value("inference")
    reader.press("budget", Keys.HOME)
    reader.press("inference", Keys.END)
    assert reader.text("sentence").startswith("No plan: inference of 1e16 tokens leaves nothing")
    assert reader.text("params") == "–"
    reader.press("inference", Keys.HOME)
    assert reader.text("inference") == "none"
    assert reader.text("params") != "–"
    assert there != (reader.value("budget"), reader.value("inference"))


def test_controls_have_names_and_readable_values(reader):
    handle = reader.control("budget")
    assert handle.get_attribute("aria-label") == "Budget"
    assert handle.get_attribute("aria-valuetext") == f"{reader.text('sentence').split(':')[0]}"
    assert reader.control("group").get_attribute("value") == NASTY


def test_nothing_is_wider_than_the_screen_and_nothing_is_fetched(reader):
    width = reader.driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= reader.width
    events = [
        json.loads(each["message"])["message"] for each in reader.driver.get_log("performance")
    ]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == REQUEST]
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert not [e for e in reader.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
