"""Model card, law and runs to a PyMC model, its posterior, and a verdict on it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
