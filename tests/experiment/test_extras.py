"""What is computed beside a run: what together takes no longer than the run, all of it, or none."""

from __future__ import annotations

import itertools
import math
import re
import time
from typing import Any

import numpy as np
import pytest

import grokode
from grokode import InvalidInput
from grokode.dynamics.optimizers.gradient_descent import GradientDescent
from grokode.dynamics.optimizers.gradient_flow import GradientFlow
from grokode.experiment import simulate
from grokode.experiment.extras import START_UP, Extras, choose_extras

READINGS = 200
PARTS = {
    "the linearised network", "the population alignment", "the kernel on the training points",
    "the kernel on the test points",
}  # fmt: skip


@pytest.fixture(scope="module")
def large(make_problem):
    """A problem whose kernel is more work than starting up."""
    return make_problem(dim=60, n_train=2000, n_test=1500, width=500)


class Chosen:
    """Extras, and what was said of those left out."""

    def __init__(self, problem: Any, *, optimizer: Any = None, **given: Any) -> None:
        self.problem, self.said = problem, []
        terms = {"readings": READINGS, "seconds": 0.0, "free": math.inf, "wanted": None} | given
        self.readings = terms["readings"]
        found = choose_extras(problem, optimizer or GradientFlow(), None, **terms, say=self.said.append)
        self.items = [*found.curves, *found.observables]

    @property
    def kept(self) -> set[str]:
        return {item.title for item in self.items}

    @property
    def seconds(self) -> float:
        return sum(item.cost(self.problem).seconds(self.readings) for item in self.items)

    @property
    def bytes(self) -> float:
        return sum(item.cost(self.problem).bytes for item in self.items)


@pytest.fixture(scope="module")
def everything(large):
    return Chosen(large, wanted=True)


def test_what_costs_less_than_the_run_comes_with_it_and_nothing_is_said(large):
    chosen = Chosen(large, seconds=1e6)
    assert chosen.kept == PARTS
    assert chosen.said == []


def test_what_costs_more_than_the_run_is_left_out_in_one_line_that_names_it_and_the_flag(large):
    chosen = Chosen(large, seconds=0.0)
    assert chosen.kept < PARTS
    (line,) = chosen.said
    assert "--lazy" in line
    assert "more work than the run" in line
    assert "\n" not in line
    for title in PARTS:
        assert (f"{title} (about " in line) == (title not in chosen.kept)


def test_the_bound_is_the_time_of_the_run_and_of_its_start(large, everything):
    assert Chosen(large, seconds=everything.seconds - START_UP + 1e-6).kept == PARTS
    assert Chosen(large, seconds=everything.seconds - START_UP - 1e-6).kept < PARTS


def test_together_they_take_no_longer_than_the_run(large, everything):
    for seconds in np.linspace(0, 1.2 * everything.seconds, 40):
        chosen = Chosen(large, seconds=seconds)
        assert chosen.seconds <= seconds + START_UP
        assert not chosen.kept or chosen.kept == PARTS or chosen.said


def test_many_readings_cost_more_than_few(make_problem):
    problem = make_problem(dim=60, n_train=300, width=500)
    assert Chosen(problem, seconds=0.5, readings=5).said == []
    assert Chosen(problem, seconds=0.5, readings=50_000).said != []


def test_together_they_fit_into_memory(large, everything):
    assert Chosen(large, seconds=1e6, free=everything.bytes).kept == PARTS
    for free in np.linspace(0, 0.999 * everything.bytes, 20):
        chosen = Chosen(large, seconds=1e6, free=free)
        assert chosen.bytes <= free
        assert chosen.kept < PARTS
        assert re.search(r"\(about [0-9.e-]+ GiB\)", chosen.said[0])


def test_all_are_had_for_the_asking_whatever_they_cost(large):
    chosen = Chosen(large, seconds=0.0, wanted=True)
    assert chosen.kept == PARTS
    assert chosen.said == []


def test_all_that_do_not_fit_into_memory_are_refused_in_gib(large, everything):
    for free in (0.0, 0.9 * everything.bytes):
        with pytest.raises(
            InvalidInput, match=r"GiB are free; lower --n-train, --n-test or --dim, or.*--lazy"
        ) as refused:
            Chosen(large, wanted=True, free=free)
        title, needed = re.match(r"(.*) needs about (.*) GiB and", str(refused.value)).groups()
        (item,) = (item for item in everything.items if item.title == title)
        assert float(needed) == pytest.approx(item.cost(large).bytes / 2**30, rel=1e-2)


def test_none_cost_nothing(large):
    chosen = Chosen(large, wanted=False, seconds=1e6, free=0.0)
    assert chosen.kept == set()
    assert chosen.said == []
    assert chosen.items == []


def test_what_does_not_apply_is_neither_kept_nor_missed(make_problem):
    train, law = "the kernel on the training points", {"the linearised network", "the population alignment"}
    assert Chosen(make_problem(n_test=0)).kept == law | {train}
    assert Chosen(make_problem(n_train=math.inf)).kept == law
    without = Chosen(make_problem(), optimizer=object(), wanted=True)  # whose decay is not known
    assert without.kept == {train, "the population alignment"}
    assert without.said == [
        "no curves of the linearised network: they are known for full batches without decay, at one step size"
    ]


@pytest.mark.parametrize("optimizer", [GradientFlow(), GradientDescent()], ids=["flow", "descent"])
def test_flow_and_descent_are_linearised(make_problem, optimizer):
    assert "the linearised network" in Chosen(make_problem(), optimizer=optimizer).kept


# ---- through a run

# two steps, on a training set whose kernel takes longer to decompose than a run takes to start
BRIEF = {"dim": 40, "n_train": 2000, "optimizer": "gradient_descent", "steps": 2, "dt": 0.05}
LAZY = {"loss_train_lazy", "loss_test_exact_lazy"}


def test_a_brief_run_leaves_out_what_is_more_work_than_it():
    lines: list[str] = []
    run = grokode.run(**BRIEF, say=lines.append)
    assert LAZY.isdisjoint(run.curves)
    assert run.summary["kernel_regression_loss_exact"] is run.summary["kernel_rank"] is None
    assert len(lines) == 1
    assert lines[0].startswith("left out, being more work than the run: the linearised network (about ")
    assert "--lazy" in lines[0]


def test_asked_for_it_computes_them_all_the_same():
    lines: list[str] = []
    run = grokode.run(**BRIEF, lazy=True, say=lines.append)
    assert set(run.curves) >= LAZY | {"alignment_population", "alignment_sample_train", "kernel_drift"}
    assert run.summary["kernel_rank"] == 860  # D (D+3)/2
    assert lines == []


def test_asked_for_none_it_says_nothing():
    lines: list[str] = []
    run = grokode.run(**BRIEF, lazy=False, say=lines.append)
    assert not [name for name in run.curves if "lazy" in name or "kernel" in name]
    assert lines == []


@pytest.fixture
def offered(monkeypatch):
    """Catch the seconds that a run offers to its extras, which get none; readings are those it saves."""
    seen: list[float] = []

    def choose(*_: Any, seconds: float, readings: int, **__: Any) -> Extras:
        assert readings == 3
        seen.append(seconds)
        return Extras()

    monkeypatch.setattr(simulate, "choose_extras", choose)
    return seen


SMALL = {"dim": 5, "n_train": 12, "width": 7, "alpha": 0.7, "eps": 0.3}
# ends at once, whatever it was asked for
AT_ONCE = {**SMALL, "optimizer": "gradient_descent", "dt": 0.05, "points": 3, "threshold": "200%", "until": "resolved"}


def test_the_offer_is_the_time_of_the_run_up_to_its_limit(offered):
    grokode.run(**AT_ONCE, steps=10**9)
    grokode.run(**AT_ONCE, steps=2 * 10**9)
    grokode.run(**AT_ONCE, steps=10**9, time_limit=2.5)
    assert offered[0] > 100
    assert offered[1] == pytest.approx(2 * offered[0], rel=1e-9)
    assert offered[2] == 2.5


def test_the_offer_of_a_flow_grows_with_its_time_up_to_six_decades_and_with_its_problem(offered):
    for dim, t_max in ((5, 1), (5, 100), (5, 1e7), (5, 1e8), (25, 1e8)):
        grokode.run(**SMALL | {"dim": dim}, t_max=t_max, points=3)
    assert 0 < offered[0] < offered[1] < offered[2] == offered[3] < offered[4]


def test_the_offer_depends_on_no_clock(offered, monkeypatch):
    for stride in (1e-9, 100.0):
        ticks = itertools.count(0.0, stride)
        with monkeypatch.context() as patch:
            patch.setattr(time, "perf_counter", lambda ticks=ticks: next(ticks))
            patch.setattr(time, "monotonic", lambda ticks=ticks: next(ticks))
            patch.setattr(time, "process_time", lambda ticks=ticks: next(ticks))
            grokode.run(**SMALL, t_max=1, points=3)
            grokode.run(**SMALL, optimizer="gradient_descent", steps=20, points=3)
    assert offered[:2] == offered[2:]
