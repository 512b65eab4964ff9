"""Where the files that ship with the package are: model cards and embedded data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bayes_scaling.errors import BayesScalingError

__all__ = ["DEFAULT_CARD", "resource_dir"]

DEFAULT_CARD = "coupled-informed"
"""What forecasts best the runs that are held out of public sweeps; the card has the evidence."""

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: Literal["models", "data"]) -> Path:
    """Return the folder of the shipped model cards (`models`) or data sets (`data`).

    A wheel carries both inside the package; in a checkout they lie beside it.

    Parameters
    ----------
    name
        `"models"` or `"data"`.

    Returns
    -------
    Path
        An existing folder.

    Raises
    ------
    BayesScalingError
        If neither place exists: the installation is damaged.
    """
    places = (_PACKAGE / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(str(place) for place in places)
    raise BayesScalingError(
        f"the shipped folder {name!r} was not found (looked for {looked}); "
        "reinstall bayes-scaling, or run from a complete checkout"
    )
