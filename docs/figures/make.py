"""Make the pictures of the README and of the benchmarks.

`uv run python docs/figures/make.py`, or with names: `... make.py emergence power`.
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import bayes_scaling as bs
from bayes_scaling.figures.style import colour, line, marker, new_axes, styled

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results"
GROUPS = ["Cerebras-GPT", "Pythia", "RWKV-4"]
TASKS = ["2D+", "3D+", "1DC", "Anagrams 2"]


def frontier() -> None:
    """Fit the embedded runs and draw the loss of compute-optimal training."""
    fit = bs.fit(bs.load_runs("pile-families"), by="architecture")
    figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
    bs.figures.plot_frontier(fit, group=GROUPS, ax=ax)
    figure.savefig(HERE / "frontier.png", dpi=130)


def emergence() -> None:
    """Two of GPT-3's few-shot tasks that break, and two that need no break."""
    curves = bs.load_metrics("gpt3-benchmarks").select(f"setting == 'few' and task in {TASKS}")
    axes = bs.emergence(curves).plot(TASKS)
    axes[0, 0].figure.savefig(HERE / "emergence.png", dpi=110)


@styled
def power() -> None:
    """Probability of a break against the size of the test set, as the benchmark measured it."""
    rows = json.loads((RESULTS / "emergence-power.json").read_text("utf-8"))["rows"]
    ax = new_axes(None, (6.4, 3.8))
    for i, truth in enumerate(dict.fromkeys(row["truth"] for row in rows)):
        own = [row for row in rows if row["truth"] == truth]
        n = np.array([row["questions"] for row in own])
        mean, error = (np.array([row[k] for row in own]) for k in ("mean_p_break", "se"))
        ax.errorbar(
            n * 1.02 ** (i - 2), mean, yerr=error, color=colour(i), marker=marker(i),
            linestyle=line(i), markersize=4.5, label=truth,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("questions of the test set")
    ax.set_ylabel("probability of a break (mean, ± se)")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, title="truth", alignment="left")
    ax.figure.get_figure(root=True).savefig(HERE / "emergence-power.png", dpi=110)


MADE = {"frontier": frontier, "emergence": emergence, "power": power}

if __name__ == "__main__":
    for name in sys.argv[1:] or MADE:
        MADE[name]()
