"""How an experiment is run: what it says first, on how many threads, and what it keeps."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import threadpoolctl

import grokode

SMALL = {"dim": 5, "n_train": 12, "width": 7, "alpha": 0.7, "eps": 0.3}
# stops after one step, whatever the number asked for: both losses start below the threshold
AT_ONCE = {**SMALL, "optimizer": "gradient_descent", "dt": 0.05, "points": 3, "threshold": "200%", "until": "resolved"}


@pytest.mark.parametrize("limit", [None, 1000.0])
def test_a_run_that_may_take_long_says_so_once_and_names_the_flag_that_ends_it(limit):
    lines: list[str] = []
    run = grokode.run(**AT_ONCE, steps=10**13, time_limit=limit, say=lines.append)
    assert run.status == "stopped"
    assert len(lines) == 1
    assert "\n" not in lines[0]
    for word in ("may take", "days", f"{10**13} steps", "--time-limit"):
        assert word in lines[0]


@pytest.mark.parametrize("short", [{"steps": 10}, {"steps": 10**13, "time_limit": 10.0}], ids=["short", "limited"])
def test_a_run_that_is_short_or_limited_says_nothing(short):
    lines: list[str] = []
    grokode.run(**AT_ONCE, **short, say=lines.append)
    assert lines == []


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.skipif(not blas_threads(), reason="this BLAS (Accelerate) has no pool that can be limited")
@pytest.mark.parametrize("threads", [1, 2])
def test_the_linear_algebra_is_held_to_its_threads_while_a_run_goes_on(threads):
    seen: list[int] = []
    with threadpoolctl.threadpool_limits(3 - threads):  # what the run finds is not what it is asked for
        grokode.run(**SMALL, t_max=1, points=3, threads=threads, progress=lambda _: seen.extend(blas_threads()))
        assert set(blas_threads()) == {3 - threads}  # it leaves them as it found them
    assert set(seen) == {threads}


def test_a_flow_keeps_as_many_points_as_asked_for():
    run = grokode.run(**SMALL, t_max=100.0, points=20)
    assert len(run.t) == 20
    assert (run.t[0], run.t[-1]) == (0.0, 100.0)


@pytest.mark.parametrize("steps", [5, 19, 20, 10_000])
def test_a_map_keeps_no_more_points_than_asked_for(steps):
    run = grokode.run(**SMALL, optimizer="gradient_descent", dt=0.01, steps=steps, points=20)
    assert len(run.t) <= 20
    assert (run.step[0], run.step[-1]) == (0, steps)
    assert run.t[-1] == pytest.approx(steps * 0.01, rel=1e-12)


def test_readings_are_not_counted_as_solving(monkeypatch):
    """On a clock of the recorder's own, on which each of 5 readings takes 100 s."""
    ticks = itertools.count(0.0, 100.0)
    monkeypatch.setattr("grokode.experiment.recorder.time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    run = grokode.run(**SMALL, t_max=1, points=5)
    assert run.work.seconds == pytest.approx(-500, abs=60)


@pytest.mark.parametrize("steps", [100, 10_000], ids=["finite", "overflown"])
def test_a_linearised_network_that_diverges_has_no_curves_and_that_is_said(steps):
    """The network itself stays within bounds: what is too long for its start is not too long for where it goes."""
    lines: list[str] = []
    run = grokode.run(dim=5, n_train=8, optimizer="gradient_descent", dt=3, steps=steps, say=lines.append)
    assert run.loss_train.max() < 1e3
    assert not [name for name in run.curves if name.endswith("_lazy")]
    assert run.summary["kernel_regression_loss_exact"] is not None
    assert len(lines) == 1
    assert "the step is too long" in lines[0]
