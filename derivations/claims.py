"""All claims, topic by topic."""

from __future__ import annotations

from . import (
    alignment,
    certificate,
    context,
    decay,
    flow,
    kernel,
    lazy,
    loss,
    minima,
    network,
    neurons,
    optimizers,
    reduced,
    samples,
    spectrum,
    variants,
)
from .claim import Entry

TOPICS = (
    network,
    kernel,
    spectrum,
    loss,
    minima,
    alignment,
    flow,
    neurons,
    optimizers,
    reduced,
    lazy,
    decay,
    samples,
    certificate,
    variants,
    context,
)
"""In the order in which a reader meets them."""

CLAIMS: tuple[Entry, ...] = tuple(claim for topic in TOPICS for claim in topic.CLAIMS)
