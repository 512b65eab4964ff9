"""Emergence or a mirage of the metric: a smooth law of the error per token against a broken one."""
