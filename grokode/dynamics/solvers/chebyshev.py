"""The stabilised Runge-Kutta-Chebyshev method, fed with the exact Jacobian's spectral radius."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import extensisq
import numpy as np
from numpy.typing import NDArray

from ..risks.jacobian import Jacobian, spectral_radius

Array = NDArray[np.float64]


class StabilizedRK(extensisq.SSV2stab):  # type: ignore[misc]
    """Runge-Kutta-Chebyshev of order 2 (Sommeijer, Shampine and Verwer 1998), for real spectra.

    The spectral radius comes from the exact Jacobian by power iteration; the method's own estimate fails
    on tiny or linear problems.

    Parameters
    ----------
    jac : callable
        ``jac(t, y)`` returns a Jacobian object.
    """

    def __init__(
        self,
        fun: Callable[[float, Array], Array],
        t0: float,
        y0: Array,
        t_bound: float,
        *,
        jac: Callable[[float, Array], Jacobian],
        **options: Any,
    ) -> None:
        self._direction = np.random.default_rng(0).standard_normal(len(y0))
        self._radius = 0.0

        def radius(t: float, y: Array) -> float:
            # warm starts make 4 iterations enough between neighbouring steps; 1.2 covers what is missing
            iterations = 4 if self._radius else 40
            self._radius, self._direction = spectral_radius(jac(t, y), self._direction, iterations)
            return 1.2 * self._radius + np.finfo(float).tiny

        super().__init__(fun, t0, y0, t_bound, rho_jac=radius, **options)
