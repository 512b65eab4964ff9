"""One self-contained HTML file about a fit: opens from disk, prints well, needs no network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
