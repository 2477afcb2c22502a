"""Seconds of a flow and of a descent step, and peak memory, against D, P, N and t.

    OPENBLAS_NUM_THREADS=1 python benchmarks/scaling.py [--plot scaling.png] [--solver log_bdf] [--axes dim,n_train]

Around D 50, P 300, N 500, alpha 1, eps 0.05, t 1e5 one number varies at a time. Every row is a fresh process: seconds
of the draw, of the flow at default tolerance (60 saved times, losses not counted, the fastest of three), of one
right-hand side and of one step of descent; the peak of what the arrays of a draw and a flow hold, by tracemalloc, and
that of the process, libraries and compiled code included. Below, the exponents of fits in log-log with their standard
errors, over the rows whose method is the first one's; against N those with N > D, where nothing should depend on it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.stats
from measuring import DEFAULT, Case, method_of, moved, one_thread, seconds, states_of

from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.pace import Pace

BASE = {"dim": 50, "n_train": 300, "width": 500, "t_max": 1e5}
AXES = {
    "dim": (12, 25, 50, 100, 200),
    "n_train": (75, 150, 300, 600, 1200, 2400),
    "width": (2, 10, 100, 1000, 10**5, 10**7, 10**9),
    "t_max": (1e2, 1e3, 1e4, 1e5, 1e6, 1e7),
}
SYMBOLS = {"dim": "D", "n_train": "P", "width": "N", "t_max": "t"}
QUANTITIES = {
    "draw": "draw s",
    "flow": "flow s",
    "evaluations": "evaluations",
    "force": "right-hand side s",
    "step": "descent step s",
    "arrays": "arrays MB",
    "process": "process MB",
}
REPEATS = 3
DT = 0.5


def process_megabytes() -> float:
    """Return the most memory that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def array_megabytes(call: Callable[[], object]) -> float:
    """Return the most memory that a call's arrays hold."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def measure(point: dict[str, Any]) -> dict[str, Any]:
    """Measure one set-up in this process."""
    one_thread()
    parameters = {key: int(point[key]) for key in ("dim", "n_train", "width")}
    case = Case(preset="kumar-fig3a", parameters={**parameters, "alpha": 1.0, "eps": 0.05}, t_max=point["t_max"])
    problem = case.problem()
    method = method_of(problem, point["solver"], DEFAULT, case.t_max)
    work = [states_of(problem, method, case.times)[1].work for _ in range(1 + REPEATS)][1:]  # the first may compile
    descent, dV, state = (
        GradientDescent().on(problem.train, Pace(DT, 1.0)),
        moved(problem),
        np.array(problem.start.theta)[None],
    )
    return {
        "method": method.name,
        "draw": seconds(case.problem),
        "flow": min(each.seconds for each in work),
        "evaluations": work[0].nfev,
        "force": seconds(lambda: problem.train.loss_force_moved(dV)),
        "step": seconds(lambda: descent.step(0, state)),
        "process": process_megabytes(),
        "arrays": array_megabytes(lambda: states_of(case.problem(), method, case.times)),
    }


def measured_apart(point: dict[str, Any]) -> dict[str, Any]:
    """Measure one set-up in a fresh process."""
    command = [sys.executable, __file__, "--point", json.dumps(point)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def exponent(x: Sequence[float], y: Sequence[float]) -> str:
    """Fit the slope of ln y against ln x."""
    fit = scipy.stats.linregress(np.log(x), np.log(y))
    return f"{fit.slope:6.2f} +- {fit.stderr:.2f}"


def draw(table: dict[str, list[dict[str, Any]]], path: str) -> None:
    """Draw the seconds and the memory, one column an axis."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(3 * len(table), 5), layout="constrained")
    axes = figure.subplots(2, len(table), squeeze=False, sharex="col", sharey="row")
    for (above, below), (axis, rows) in zip(axes.T, table.items(), strict=True):
        x = [row[axis] for row in rows]
        for quantity in ("flow", "step", "draw"):
            above.loglog(x, [row[quantity] for row in rows], "o-", label=QUANTITIES[quantity])
        below.loglog(x, [row["arrays"] for row in rows], "o-", color="0.3")
        below.xaxis.set_minor_formatter(NullFormatter())
        below.set(xlabel=SYMBOLS[axis])
    axes[0, 0].set(ylabel="seconds")
    axes[1, 0].set(ylabel="peak MB of arrays")
    axes[0, 0].legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", type=lambda text: text.split(","), default=list(AXES), help=f"of {','.join(AXES)}")
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--plot", help="file of the picture")
    parser.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)  # what a fresh process measures
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measure(options.point)))
        return
    head = " ".join(f"{title:>17s}" for title in QUANTITIES.values())
    print(f"{'':10s} {head}  method")
    table: dict[str, list[dict[str, Any]]] = {}
    for axis in options.axes:
        for value in AXES[axis]:
            point = {**BASE, axis: value, "solver": options.solver}
            row = {**point, **measured_apart(point)}
            table.setdefault(axis, []).append(row)
            numbers = " ".join(f"{row[quantity]:17.4g}" for quantity in QUANTITIES)
            print(f"{SYMBOLS[axis]:1s} {value:<8.4g} {numbers}  {row['method']}", flush=True)
    print(f"\nexponents\n{'':10s} {head}")
    for axis, rows in table.items():
        fitted = [row for row in rows if axis != "width" or row["width"] > row["dim"]]
        fitted = [row for row in fitted if row["method"] == fitted[0]["method"]]
        x = [row[axis] for row in fitted]
        slopes = " ".join(f"{exponent(x, [row[quantity] for row in fitted]):>17s}" for quantity in QUANTITIES)
        print(f"{SYMBOLS[axis]:10s} {slopes}")
    if options.plot:
        draw(table, options.plot)


if __name__ == "__main__":
    main()
