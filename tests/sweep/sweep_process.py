"""A coordinator that a test can kill: ``python sweep_process.py STORE SEEDS``; a block a cell."""

import sys
from pathlib import Path

from grokode.engines import ENGINES
from grokode.sweep import specification
from grokode.sweep.conduct import conduct
from grokode.sweep.layout import layout_of
from grokode.sweep.specification import sweep_of

GRID = {
    "dim": 6, "n_train": 20, "width": 7, "t_max": 1e4, "points": 12, "alpha": "log:0.1:10:6", "eps": "lin:0.1:1:6",
}  # fmt: skip


def main(path, seeds):
    specification.BLOCK = 1e-6
    sweep, _ = sweep_of({**GRID, "seeds": seeds}, thresholds=("0.5", "10%"))
    conduct(sweep, layout_of(sweep), Path(path), ENGINES.build("local:workers=2"), resume=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
