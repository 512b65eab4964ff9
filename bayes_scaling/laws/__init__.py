"""Scaling laws as pure functions, one file a law: no sampling, no input or output."""

from bayes_scaling.laws.base import LOW_LOSS, Law, Parameter, PublishedFit, Reference
from bayes_scaling.laws.broken import Broken, TwiceBroken
from bayes_scaling.laws.chinchilla import Chinchilla, TiedChinchilla
from bayes_scaling.laws.coupled import Coupled
from bayes_scaling.laws.drift import (
    decades_beyond,
    drift_parameters,
    drifted,
    log_mean,
    log_scale,
)
from bayes_scaling.laws.farseer import Farseer
from bayes_scaling.laws.inputs import INPUTS, Input, available, log_inputs
from bayes_scaling.laws.kaplan_nd import KaplanND
from bayes_scaling.laws.kaplan_ns import KaplanNS, critical_batch, minimum_steps
from bayes_scaling.laws.learning_curve import LearningCurve
from bayes_scaling.laws.m4 import M4
from bayes_scaling.laws.one_variable import VARIABLES, OneVariable
from bayes_scaling.laws.power_law import PowerLaw
from bayes_scaling.laws.registry import get_law, list_laws, register_law
from bayes_scaling.laws.repeated import Repeated
from bayes_scaling.laws.saturating import Saturating
from bayes_scaling.laws.shape import Shape
from bayes_scaling.laws.transfer import Transfer
from bayes_scaling.laws.valley import Valley

__all__ = [
    "INPUTS",
    "LOW_LOSS",
    "M4",
    "VARIABLES",
    "Broken",
    "Chinchilla",
    "Coupled",
    "Farseer",
    "Input",
    "KaplanND",
    "KaplanNS",
    "Law",
    "LearningCurve",
    "OneVariable",
    "Parameter",
    "PowerLaw",
    "PublishedFit",
    "Reference",
    "Repeated",
    "Saturating",
    "Shape",
    "TiedChinchilla",
    "Transfer",
    "TwiceBroken",
    "Valley",
    "available",
    "critical_batch",
    "decades_beyond",
    "drift_parameters",
    "drifted",
    "get_law",
    "list_laws",
    "log_inputs",
    "log_mean",
    "log_scale",
    "minimum_steps",
    "register_law",
]
