import numpy as np
import pandas as pd
import pytest


def make_table(n_sizes=4, n_ratios=4):
    """A small sound sweep: a grid of sizes and token ratios on Chinchilla's law."""
    sizes = np.geomspace(5e7, 2e9, n_sizes)
    ratios = np.geomspace(8, 60, n_ratios)
    params = np.repeat(sizes, n_ratios)
    tokens = params * np.tile(ratios, n_sizes)
    loss = 1.82 + 482 * params**-0.348 + 2085 * tokens**-0.366
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


@pytest.fixture
def table():
    return make_table()
