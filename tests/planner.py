"""The planner's mathematics as tests ask for it: in Node, and the same in Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayes_scaling import report
from bayes_scaling.decisions.risk import Risk
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.report.planner_laws import edge_of, page_draws

SCRIPT = Path(report.__file__).with_name("planner.js")
SECONDS = 30

READ = """
const planner = require(process.argv[1]);
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
if (given.draws) {
  for (const [key, of] of Object.entries(given.draws)) given.draws[key] = Float64Array.from(of);
  given.draws.edge = given.edge ?? Infinity;
}
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
"""


def in_node(expression: str, **given: Any) -> Any:
    """Value of an expression of `planner` and `given`; a test without Node is skipped."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is absent: the mathematics of the page cannot be run outside of it")
    code = f"{READ} process.stdout.write(JSON.stringify({expression}, plain));"
    done = subprocess.run(
        [node, "-e", code, str(SCRIPT)],
        input=json.dumps(given, default=lambda array: array.tolist()),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def page_of(fit: Fit, group: str, chosen: np.ndarray) -> dict[str, Any]:
    """What the page holds of a group, as `in_node` takes it."""
    return {"draws": page_draws(fit, group, chosen), "edge": edge_of(fit, group)}


def tokens_of(params: np.ndarray, flops: float, inference: float) -> np.ndarray:
    """Tokens D that a budget 6 N D + 2 N T = C leaves."""
    return flops / (6 * params) - inference / 3


def losses_of(
    fit: Fit, group: str, chosen: np.ndarray, params: np.ndarray, flops: float, inference: float
) -> np.ndarray:
    """Draws of the loss of sizes at a budget, (chosen, size)."""
    inputs = {"params": np.log(params), "tokens": np.log(tokens_of(params, flops, inference))}
    return fit.predict(group, inputs, chosen)


def best_params(
    fit: Fit,
    group: str,
    chosen: np.ndarray,
    flops: float,
    inference: float,
    risk: Risk,
) -> float:
    """Size of least risk, by looking at 2001 of them over four decades, twice."""
    top = np.log(flops / 6 if inference == 0 else min(flops / 6, flops / 2 / inference)) - 1e-9
    low, high = np.log(1e8), min(top, np.log(1e13))
    for _ in range(2):
        grid = np.linspace(low, high, 2001)
        each = risk(losses_of(fit, group, chosen, np.exp(grid), flops, inference))
        best, step = grid[np.argmin(each)], grid[1] - grid[0]
        low, high = best - 2 * step, min(best + 2 * step, top)
    return float(np.exp(best))


def best_of_each(
    fit: Fit, group: str, chosen: np.ndarray, flops: float, inference: float
) -> tuple[np.ndarray, np.ndarray]:
    """Size and tokens of least loss under each draw, to a thousandth: the best of a fine grid."""
    top = flops / 6 if inference == 0 else flops / 2 / inference
    sizes = np.geomspace(1e-4 * top, top * (1 - 1e-6), 8001)
    losses = losses_of(fit, group, chosen, sizes, flops, inference)
    best = sizes[np.argmin(losses, axis=1)]
    return best, tokens_of(best, flops, inference)
