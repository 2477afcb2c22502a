"""The paper's phase diagram, and many small cells, beside bare loops over the same cells.

    python benchmarks/sweep.py [--small 10000] [--sample 20] [--skip phase|small]

The phase diagram is ``kumar-fig3e``: 196 cells at D 100, P 550, three thresholds, until they are resolved, on two
workers with the store. Its crossings are compared, on cells drawn by a committed seed and the corners, with BDF at
rtol 1e-9: right to 1 %, or, where |d ln L / d ln t| < 0.5, to 3e-3 of the threshold in loss. Then small cells (D 20,
P 60): the rate of the sweep against the summed rate of two bare processes that loop over the same cells and store
nothing, in the same run; and what their forces would gain from being computed several cells at once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from promise import wrong_crossings

from grokode.dynamics.problem import Problem
from grokode.engines.local import Local
from grokode.experiment.simulate import Lean, simulate
from grokode.experiment.sources import load_preset
from grokode.experiment.systems import network_of, system_of
from grokode.sweep.cells import Task, compute
from grokode.sweep.conduct import conduct
from grokode.sweep.layout import CROSSINGS, Layout, layout_of
from grokode.sweep.specification import Sweep, sweep_of
from grokode.sweep.store import open_sweep

WORKERS = 2
SEED = 2026
THRESHOLDS = ("0.05", "0.1", "0.2")


def conducted(sweep: Sweep, layout: Layout, folder: str) -> float:
    """Return the seconds of a sweep, its store included."""
    started = time.perf_counter()
    conduct(sweep, layout, Path(folder) / "s.zarr", Local(WORKERS), resume=False)
    return time.perf_counter() - started


def warm(sweep: Sweep, layout: Layout) -> float:
    """Return the seconds of one block in this process, which compiles what is not compiled yet."""
    started = time.perf_counter()
    compute(Task(sweep, layout, next(iter(sweep.blocks()))))
    return time.perf_counter() - started


# ---- the phase diagram


def phase(sample: int) -> None:
    sweep, _ = sweep_of({"until": "resolved"}, preset=load_preset("kumar-fig3e"), thresholds=THRESHOLDS)
    layout = layout_of(sweep)
    print(f"first block, cold or warm: {warm(sweep, layout):.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        print(f"phase diagram, {sweep.size} cells on {WORKERS} workers: {conducted(sweep, layout, folder):.1f} s")
        data = open_sweep(Path(folder) / "s.zarr").load()
    print(f"seconds of the cells: {float(data.seconds.sum()):.1f}; evaluations {int(data.nfev.sum())}")
    rng = np.random.default_rng(SEED)
    drawn = [tuple(int(i) for i in np.unravel_index(k, sweep.shape)) for k in rng.permutation(sweep.size)[:sample]]
    places = sorted({*sweep.corners(), *drawn})
    wrong = []
    for index in places:
        experiment = sweep.cell(index).model_copy(update={"solver": "bdf", "rtol": 1e-9, "guard": False})
        draw = system_of(experiment, None).draw(network_of(experiment))
        reference = simulate(experiment, lean=Lean(draw=draw, thresholds=THRESHOLDS, along=("losses",)))
        for k, threshold in enumerate(THRESHOLDS):
            cell = data.isel(alpha=index[0], eps=index[1], threshold=k)
            found: dict[str, object] = {}
            for name in ("train", "test"):
                t = float(cell[f"t_{name}"])
                found[f"t_{name}"] = t if np.isfinite(t) else None
                found[f"t_{name}_status"] = CROSSINGS[int(cell[f"t_{name}_status"])]
            ours, theirs = replace(reference, summary=found), replace(reference, summary=reference.crossed[k])
            wrong += [(index, threshold, name) for name in wrong_crossings(ours, theirs)]
    print(f"crossings that are wrong, on {len(places)} cells and {len(THRESHOLDS)} thresholds: {wrong or 'none'}")


# ---- small cells


def bare(sweep: Sweep, first: int, ready, begin, rates) -> None:  # type: ignore[no-untyped-def]
    """Loop over every other cell, and tell the rate."""
    from threadpoolctl import threadpool_limits

    cells = [tuple(int(i) for i in np.unravel_index(k, sweep.shape)) for k in range(first, sweep.size, WORKERS)]
    layout = layout_of(sweep)
    with threadpool_limits(limits=1):
        compute(Task(sweep, layout, tuple((i, i + 1) for i in cells[0])))
        ready.wait()
        begin.wait()
        started = time.perf_counter()
        for index in cells:
            compute(Task(sweep, layout, tuple((i, i + 1) for i in index)))
        rates.put(len(cells) / (time.perf_counter() - started))


def small(count: int) -> None:
    flags = {"dim": 20, "n_train": 60, "width": 50, "t_max": 1e4, "points": 30, "guard": False}
    flags |= {"alpha": f"log:0.1:10:{max(2, count // 100)}", "eps": "lin:0.02:0.5:100"}
    sweep, _ = sweep_of(flags, thresholds=("0.1",))
    layout = layout_of(sweep)
    print(f"first block, cold or warm: {warm(sweep, layout):.1f} s")
    context = multiprocessing.get_context("spawn")
    ready, begin, rates = context.Barrier(WORKERS + 1), context.Event(), context.Queue()
    loops = [context.Process(target=bare, args=(sweep, k, ready, begin, rates)) for k in range(WORKERS)]
    for loop in loops:
        loop.start()
    ready.wait()
    begin.set()
    rate = sum(rates.get() for _ in loops)
    with tempfile.TemporaryDirectory() as folder:
        seconds = conducted(sweep, layout, folder)
    ours = sweep.size / seconds
    print(f"{sweep.size} small cells: {ours:.1f} a second with engine and store, {rate:.1f} bare: {ours / rate:.0%}")


# ---- forces of several cells at once


def forces(cells: int = 8, repeats: int = 2000) -> None:
    """Time the forces of cells of one draw one by one, and in one batched call; say what part of a cell they are."""
    flags = {"dim": 20, "n_train": 60, "width": 50, "t_max": 1e4, "points": 30, "guard": False, "eps": 0.2}
    sweep, _ = sweep_of(flags | {"alpha": f"log:0.1:10:{cells}"}, thresholds=("0.1",))
    layout = layout_of(sweep)
    warm(sweep, layout)
    arrays = compute(Task(sweep, layout, ((0, cells),)))
    draw = system_of(sweep.cell((0,)), None).draw(network_of(sweep.cell((0,))))
    problems = [Problem.of(network_of(sweep.cell((k,))), draw) for k in range(cells)]
    risks = [problem.train for problem in problems]
    X, offset = draw.train.X, np.array([risk.offset for risk in risks])  # type: ignore[union-attr]
    alpha, eps = (np.array([getattr(risk.network, name) for risk in risks])[:, None, None] for name in ("alpha", "eps"))
    V0, a = draw.start.theta, draw.start.a  # type: ignore[union-attr]
    V = V0 + 0.01 * np.random.default_rng(0).standard_normal((cells, *V0.shape))

    def batched() -> np.ndarray:  # type: ignore[type-arg]
        """Return the forces of all cells, shape (cells, r, D)."""
        dH, H0 = (V - V0) @ X.T, V0 @ X.T
        r = offset + (alpha * dH * (a[:, None] + eps * (H0 + dH / 2))).sum(axis=1)
        C = (a[:, None] + eps * (H0 + dH)) * r[:, None, :]
        return -(2 / alpha / len(X)) * (C @ X)

    alone = [risk.loss_force(one)[1] for risk, one in zip(risks, V, strict=True)]
    np.testing.assert_allclose(batched(), alone, rtol=1e-9)
    taken = {}
    for name, call in (
        ("one by one", lambda: [risk.loss_force(one) for risk, one in zip(risks, V, strict=True)]),
        ("batched", batched),
    ):
        started = time.perf_counter()
        for _ in range(repeats // cells):
            call()
        taken[name] = (time.perf_counter() - started) / (repeats // cells) / cells
    part = float(arrays["nfev"].sum()) * taken["one by one"] / float(arrays["seconds"].sum())
    print(
        f"a force of a small cell: {1e6 * taken['one by one']:.1f} us alone, {1e6 * taken['batched']:.1f} us in a "
        f"batch of {cells}; forces are {part:.1%} of a cell"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000, help="how many small cells")
    parser.add_argument("--sample", type=int, default=20, help="cells of the phase diagram that are checked")
    parser.add_argument("--skip", choices=("phase", "small"))
    options = parser.parse_args()
    if options.skip != "phase":
        phase(options.sample)
    if options.skip != "small":
        small(options.small)
        forces()


if __name__ == "__main__":
    main()
