"""Figure 1's set-up at default tolerance: accuracy and cost, and one right-hand side against DGEMM.

    OPENBLAS_NUM_THREADS=1 python benchmarks/figure1.py

Exits 4 unless, at eps 0.02 and 0.25, err <= 3e-3 with at most 1,000 evaluations, and one right-hand side reaches 90 %
of the rate of the same two matrix products made by numpy.dot, measured in turns. ``work_precision.py`` has the other
solvers, tolerances and set-ups.
"""

from __future__ import annotations

import sys

from measuring import (
    CASES,
    DEFAULT,
    cost,
    dgemm_fraction,
    error,
    losses,
    method_of,
    one_thread,
    reference_of,
    states_of,
)
from promise import PROMISE

import grokode

EVALUATIONS = 1000
FRACTION = 0.9


def main() -> None:
    one_thread()
    good, case = True, CASES["figure1"]
    for eps in (0.02, 0.25):
        problem = grokode.problem(case.preset, eps=eps)
        method = method_of(problem, "auto", DEFAULT, case.t_max)
        thetas, trajectory = states_of(problem, method, case.times)
        err = error(problem, losses(problem, thetas), reference_of(problem, case.times))
        paid = cost(problem, lambda p=problem, m=method: states_of(p, m, case.times)[1].work.seconds, repeats=5)
        seconds, fraction = dgemm_fraction(problem)
        good &= err <= PROMISE and trajectory.work.nfev <= EVALUATIONS and fraction >= FRACTION
        print(
            f"eps {eps}: {method.name}, {trajectory.work.nfev} evaluations in {trajectory.work.steps} steps, "
            f"{min(paid.seconds):.3f} s = {paid.median:.0f} right-hand sides, err {err:.1e}; "
            f"one right-hand side {1e3 * seconds:.3f} ms = {100 * fraction:.1f} % of the DGEMM rate",
            flush=True,
        )
    sys.exit(0 if good else 4)


if __name__ == "__main__":
    main()
