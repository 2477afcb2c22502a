"""Thinning: a bounded part of a curve of any length, chosen as it streams by, no value changed."""

from __future__ import annotations

import numpy as np

from ..log import Array, Whole

MOST = 10_000
"""Values of a curve that are kept at most."""

ALL_BITS = 63


class Thinned:
    """The values of a curve that are kept, in the order of their steps.

    Of a step written more than once the last is taken. Steps with the same ``bits`` leading bits share a bin
    (2^(bits - 1) bins for every doubling of the step, the steps below 2^bits alone in theirs), and the first
    step of a bin is kept. All bits count until more than ``most`` bins are occupied, then one fewer, and so
    on. Since bins of fewer bits are unions of bins of more, what is kept depends only on what was written,
    not on how it was cut into pieces.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.bits = ALL_BITS
        self.total = 0
        self.sorted = True
        self.step: Whole = np.empty(0, dtype=np.int64)
        self.values: Array = np.empty(0)
        self._times: Whole = np.empty(0, dtype=np.int64)
        self._last = -1

    def add(self, step: Whole, values: Array) -> None:
        """Take more of the curve, as it was written."""
        if not len(step):
            return
        self.total += len(step)
        self.sorted &= bool(step[0] >= self._last and (np.diff(step) >= 0).all())
        self._last = int(step[-1])
        step, values = np.concatenate([self.step, step]), np.concatenate([self.values, values])
        times = np.concatenate([self._times, np.ones(len(step) - len(self._times), dtype=np.int64)])
        order = np.argsort(step, kind="stable")  # of equal steps the last written stays last
        step, values, times = step[order], values[order], times[order]
        last = np.flatnonzero(np.append(step[1:] != step[:-1], True))
        self.step, self.values = step[last], values[last]
        self._times = np.diff(np.cumsum(times)[last], prepend=0)
        while len(first := self._firsts()) > self._most:
            self.bits -= 1
        self.step, self.values, self._times = self.step[first], self.values[first], self._times[first]

    @property
    def repeated(self) -> int:
        """How many of the kept steps were written more than once."""
        return int((self._times > 1).sum())

    def _firsts(self) -> Whole:
        """Return the indices of the first steps of all bins."""
        length = np.frexp(self.step.astype(float))[1]  # of a step in bits; exact below 2^53
        dropped = np.maximum(length - self.bits, 0)
        bins = self.step >> dropped << dropped
        return np.flatnonzero(np.append(True, bins[1:] != bins[:-1]))
