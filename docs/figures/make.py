"""Make the README's picture: `uv run python docs/figures/make.py`."""

from pathlib import Path

import matplotlib.pyplot as plt

import bayes_scaling as bs

GROUPS = ["Cerebras-GPT", "Pythia", "RWKV-4"]


def main() -> None:
    """Fit the embedded runs and draw the loss of compute-optimal training."""
    fit = bs.fit(bs.load_runs("pile-families"), by="architecture")
    figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
    bs.figures.plot_frontier(fit, group=GROUPS, ax=ax)
    figure.savefig(Path(__file__).with_name("frontier.png"), dpi=130)


if __name__ == "__main__":
    main()
