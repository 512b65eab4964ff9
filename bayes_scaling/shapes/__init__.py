"""Metric curves: inverse, U-shaped or delayed scaling, as probabilities at a stated scale."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
