"""Random streams: one for each role, shaped only by what shapes the draw."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Role(IntEnum):
    """What a stream is for."""

    INPUTS = 1
    TARGET = 2
    WEIGHTS = 3
    NOISE = 4
    TEST_POINTS = 5
    LEARNING_CURVE = 6
    BATCHES = 7
    NEURONS = 8
    READOUTS = 9


def stream(seed: int, role: Role, *shape: int) -> np.random.Generator:
    """Return the generator of a role.

    Parameters
    ----------
    seed : int
    role : Role
    shape : int
        What shapes the draw (dimension, width), and nothing else: alpha, eps, steps and thresholds never
        enter, so that runs which differ in those alone share their data and weights.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(role, *shape)))
