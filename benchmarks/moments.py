"""Where the moments of a data set overtake its samples: the figures behind ``TensorRisk`` and its rule.

    OPENBLAS_NUM_THREADS=1 python benchmarks/moments.py [--max-dim 60]

One row for each D, with r = 2 pseudo-neurons and with D + 1: microseconds of a force from the triangle and of one
from 1000 samples, the P at which forces alone overtake, the P from which the rule uses them in a run of 10^5
evaluations, and the seconds that the triangle of 10^4 samples takes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from measuring import seconds

from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.tensor import TensorRisk, pays
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data

FEW, MANY = 1000, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-dim", type=int, default=60, help="100 takes minutes and a gigabyte")
    options = parser.parse_args()
    rng, network = np.random.default_rng(0), Network(alpha=1.0, eps=0.3, centered=True)
    print("  D    r  moments us  1000 samples us  overtakes at P  used from P  triangle s")
    for D in (dim for dim in (5, 10, 20, 40, 60, 100) if dim <= options.max_dim):
        data = Data(rng.standard_normal((MANY, D)) / np.sqrt(D), rng.standard_normal(MANY))
        for width in (2, 4 * D):
            start = FactorState.random(D, width, 1.0, rng)
            dV, r = 0.1 * rng.standard_normal(start.V.shape), len(start.a)
            before = time.perf_counter()
            moments = TensorRisk(network, start, data)
            made = time.perf_counter() - before
            samples = {P: EmpiricalRisk(network, start, Data(data.X[:P], data.y[:P])) for P in (FEW, MANY)}
            ours = seconds(lambda moments=moments, dV=dV: moments.loss_force_moved(dV))
            few, many = (seconds(lambda risk=risk, dV=dV: risk.loss_force_moved(dV)) for risk in samples.values())
            overtakes = FEW + (ours - few) / (many - few) * (MANY - FEW)
            used = next(P for P in np.unique(np.geomspace(10, 1e7, 600).astype(int)) if pays(int(P), D, r, 1e5))
            print(
                f"{D:3d} {r:4d} {1e6 * ours:11.1f} {1e6 * few:16.1f} {overtakes:15.0f} {used:12d} {made:11.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
