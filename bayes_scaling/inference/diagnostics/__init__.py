"""Checks that decide whether a posterior may be used; one check a file."""

from bayes_scaling.inference.diagnostics.convergence import sampled_well
from bayes_scaling.inference.diagnostics.diagnose import diagnose
from bayes_scaling.inference.diagnostics.evidence import Evidence

__all__ = ["Evidence", "diagnose", "sampled_well"]
