"""Make the pictures of the README and of the benchmarks.

`uv run python docs/figures/make.py`, or with names: `... make.py emergence power`.
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import beta, kstwo

import bayes_scaling as bs
from bayes_scaling.figures.style import (
    BAND,
    MUTED,
    colour,
    line,
    marker,
    new_axes,
    new_grid,
    styled,
)

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results"
GROUPS = ["Cerebras-GPT", "Pythia", "RWKV-4"]
TASKS = ["2D+", "3D+", "1DC", "Anagrams 2"]
BESIDE = {
    "ours, trend": [(-5, 5), (-5, 5), (-5, 5), (7, -3), (7, -10), (-6, 6)],
    "ours, measured": [(5, -10), (5, -10), (5, -10), (-6, 5), (5, -12)],
}
"""Where the numbers of scores stand, in points from their markers, so that nothing hides them."""


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


@styled
def calibration() -> None:
    """Ranks of truths of every card, as `bayes-scaling calibrate` stored them, a panel a card."""
    stored = json.loads((RESULTS / "calibration.json").read_text("utf-8"))
    cards = stored["cards"]
    axes = new_grid(len(cards), 5, (2.2, 1.7))
    for ax, card in zip(axes, cards, strict=True):
        n = card["simulations"]
        half = float(kstwo.isf(stored["alarm_below"], n))
        for ranks in card["ranks"].values():
            x = np.concatenate([[0.0], np.repeat(np.sort(ranks), 2), [1.0]])
            departure = np.repeat(np.arange(n + 1), 2) / n - x
            ax.plot(
                x, departure, color=BAND, linewidth=0.7, alpha=min(0.6, 12 / len(card["ranks"]))
            )
        ax.axhspan(-half, half, color=MUTED, alpha=0.18, linewidth=0)
        ax.axhline(0, color=MUTED, linewidth=0.8)
        ax.set_xlim(0, 1)
        ax.set_ylim(-1.2 * half, 1.2 * half)
        ax.set_title(card["card"], fontsize=8.5)
    for ax in axes[-5:]:
        ax.set_xlabel("share of draws below the truth", fontsize=7.5)
    for ax in axes[::5]:
        ax.set_ylabel("departure")
    axes[0].figure.get_figure(root=True).savefig(HERE / "calibration.png", dpi=110)


@styled
def reliability() -> None:
    """How often scores rose where the back-test of shapes said so, pooled over tasks."""
    bins = json.loads((RESULTS / "shapes-backtest.json").read_text("utf-8"))["calibration"]
    ax = new_axes(None, (5.2, 4.2))
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9)
    names = {"ours, trend": "the trend rises", "ours, measured": "a measured score is higher"}
    for i, (name, label) in enumerate(names.items()):
        n, said, happened = (
            np.array([each[key] for each in bins[name]]) for key in ("n", "forecast", "happened")
        )
        # Jeffreys' interval; scores of one task go together, so that the truth is wider.
        ends = beta.ppf([[0.05], [0.95]], n * happened + 0.5, n * (1 - happened) + 0.5)
        x = said + 0.006 * (2 * i - 1)
        ax.vlines(x, *ends, color=colour(i), linewidth=1.1)
        ax.plot(x, happened, color=colour(i), marker=marker(i), linestyle=line(i), label=label)
        for place, share, count, offset in zip(x, happened, n, BESIDE[name], strict=True):
            ax.annotate(
                str(count), (place, share), offset, textcoords="offset points", fontsize=7,
                color=colour(i), ha="right" if offset[0] < 0 else "left",
            )  # fmt: skip
    ax.set_xlabel("probability that it is better than the last score seen")
    ax.set_ylabel("share that was")
    ax.legend(loc="upper left", title="P(better), and how many scores")
    ax.figure.get_figure(root=True).savefig(HERE / "shapes-reliability.png", dpi=110)


def shapes() -> None:
    """Six of Pythia's inverse-scaling tasks, continued to ten times the largest size."""
    names = ["truthfulqa_mc2", "memo_trap", "hindsight_neglect", "sig_figs", "redefine", "neqa"]
    fit = bs.fit_shapes(bs.load_metrics("inverse-scaling-pythia"))
    answer = fit.probabilities(at="120B")
    shown = [curve for name in names for curve in fit.curves if name in curve][:6]
    axes = bs.figures.plot_shapes(fit, answer, curves=shown)
    axes[0].figure.savefig(HERE / "shapes.png", dpi=110)


MADE = {
    "frontier": frontier, "emergence": emergence, "power": power, "calibration": calibration,
    "reliability": reliability, "shapes": shapes,
}  # fmt: skip

if __name__ == "__main__":
    for name in sys.argv[1:] or MADE:
        MADE[name]()
