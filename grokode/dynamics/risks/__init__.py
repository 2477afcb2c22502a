"""Risks: the mean squared residual over some distribution, bound to a network and a start."""
