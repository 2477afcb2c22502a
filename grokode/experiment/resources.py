"""What a run needs of the machine, estimated before it starts."""

from __future__ import annotations

from ..memory import refuse


def needed_memory(*, dim: int, rows: int, n_train: float, n_test: float, saved: int) -> float:
    """Estimate the bytes of a run with the leanest solver.

    Parameters
    ----------
    dim, rows : int
        D and the number of pseudo-neurons r.
    n_train, n_test : float
        Samples that are really stored.
    saved : int
        Numbers kept along the run.
    """
    samples = (n_train + n_test) * (4.0 * dim + 3.0 * rows)  # inputs, their transpose and copies; H0, dH
    return 8.0 * (samples + 40.0 * rows * dim + 12.0 * dim**2 + saved)


def refuse_run(needed: float) -> None:
    """Refuse a run that does not fit.

    Raises
    ------
    InvalidInput
    """
    refuse(needed, "this run", "lower --dim, --n-train, --n-test or --width")
