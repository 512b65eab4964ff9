"""Scaling laws as pure functions, one file a law: no sampling, no input or output."""

from bayes_scaling.laws.base import LOW_LOSS, Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.chinchilla import Chinchilla
from bayes_scaling.laws.registry import get_law, list_laws, register_law

__all__ = [
    "LOW_LOSS",
    "Chinchilla",
    "Law",
    "Parameter",
    "PublishedFit",
    "Reference",
    "get_law",
    "list_laws",
    "register_law",
]
