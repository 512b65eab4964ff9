"""Bayesian neural scaling laws: from a table of training runs to a plan, with honest intervals.

>>> import bayes_scaling as bs
>>> runs = bs.read_runs("runs.csv")  # doctest: +SKIP
>>> fit = bs.fit(runs, model="chinchilla-hierarchical", by="architecture")  # doctest: +SKIP
>>> bs.forecast(fit, params="70B", tokens="1.4T").table()  # doctest: +SKIP
"""

import lazy_loader

# Nothing is imported until it is used, so that the command and this import stay light.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
