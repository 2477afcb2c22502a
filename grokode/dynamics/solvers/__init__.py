"""Solvers for flows; every class they name also plugs into ``scipy.integrate.solve_ivp``."""

from ...registry import Entry, Registry

SOLVERS = Registry(
    "solver",
    {
        "auto": Entry(
            "grokode.dynamics.solvers.auto:Auto",
            "log_bdf where it applies, else bdf; ssv2stab where their matrices are too large",
        ),
        "log_bdf": Entry(
            "grokode.dynamics.solvers.logarithmic:LogBdf",
            "linearly implicit BDF in logarithmic time, for the gradient flow of a finite training set",
        ),
        "bdf": Entry(
            "grokode.dynamics.solvers.implicit:Bdf", "SciPy's BDF with structured solves by the exact Jacobian"
        ),
        "radau": Entry(
            "grokode.dynamics.solvers.implicit:Radau", "SciPy's Radau with structured solves by the exact Jacobian"
        ),
        "lsoda": Entry(
            "grokode.dynamics.solvers.implicit:Lsoda", "SciPy's LSODA with the dense exact Jacobian, for small problems"
        ),
        "ssv2stab": Entry(
            "grokode.dynamics.solvers.stabilized:Ssv2stab", "stabilised explicit Runge-Kutta of extensisq"
        ),
        "rk45": Entry("grokode.dynamics.solvers.explicit:Rk45", "SciPy's explicit Runge-Kutta of order 5"),
        "rk23": Entry("grokode.dynamics.solvers.explicit:Rk23", "SciPy's explicit Runge-Kutta of order 3"),
        "dop853": Entry("grokode.dynamics.solvers.explicit:Dop853", "SciPy's explicit Runge-Kutta of order 8"),
    },
)
