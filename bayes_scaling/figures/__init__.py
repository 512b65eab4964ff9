"""Pictures of a fit and of its answers: one public function a file, each returns its Axes.

Every ``plot_*`` takes ``ax=`` (an Axes to draw into; a new figure otherwise), labels its axes with
units and its intervals with their probability, and leaves matplotlib's settings as they were.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
