"""Self-contained HTML pages of fits and comparisons: they open from disk and print well."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
