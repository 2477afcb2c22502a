"""Which optimizers and cases are validated, now and when one more is registered."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from grokode_validate.matrix import applies, map_checks, paper_cases, random_cases, written
from grokode_validate.named import CORE, named_cases
from grokode_validate.optimizers import TWINS, HeavyBall
from grokode_validate.report import all_checks, validate
from grokode_validate.training import OURS

from grokode.dynamics.optimizers import OPTIMIZERS

EXACT = [name for name in OPTIMIZERS if OPTIMIZERS.load(name).exact]


@dataclass(frozen=True, slots=True)
class Momentum:
    """An exact optimizer with a memory and a parameter that has no default, as one may be registered tomorrow."""

    momentum: float
    steps: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    certified: ClassVar[bool] = False

    def on(self, risk, pace):
        return MomentumOn(risk, pace, self.momentum)


class MomentumOn:
    memories = 1

    def __init__(self, risk, pace, momentum):
        self._risk, self._pace, self._momentum = risk, pace, momentum

    def step(self, k, y):
        memory = y[1]
        u = self._momentum * memory - self._risk.force(y[0])
        return np.array([y[0] - self._pace.size(k) * u, u])

    def advance(self, k, end, y):
        for j in range(k, end):
            y = self.step(j, y)
        return y

    def time(self, k):
        return self._pace.time(k)


def bare(check, optimizer):
    return check.name.removeprefix(f"{optimizer}: ")


@pytest.mark.parametrize("optimizer", EXACT)
def test_every_exact_optimizer_has_a_twin_with_the_same_parameters(optimizer):
    assert optimizer in TWINS, f"{optimizer} calls itself exact: give it a twin in validate/optimizers.py"
    names = {field.name for field in dataclasses.fields(OPTIMIZERS.load(optimizer))}
    assert names - set(OURS) <= {field.name for field in dataclasses.fields(TWINS[optimizer])}


@pytest.mark.parametrize("full", [False, True])
def test_every_exact_optimizer_is_in_the_matrix(full):
    checks = map_checks(full=full)
    for optimizer in EXACT:
        cases = {bare(check, written(optimizer)) for check in checks if check.name.startswith(optimizer)}
        assert {case.name for case in named_cases() if case.name in CORE and applies(optimizer, case)} <= cases
    assert {bare(check, written(EXACT[0])) for check in checks} >= {case.name for case in named_cases()}
    names = [check.name for check in all_checks(full=full)]
    assert len(set(names)) == len(names)


def test_the_core_is_of_named_cases():
    assert set(CORE) <= {case.name for case in named_cases()}


def test_one_more_exact_optimizer_is_picked_up_and_compared_with_its_twin(register, monkeypatch):
    monkeypatch.setitem(TWINS, "ball", HeavyBall)
    register("ball", Momentum)
    assert written("ball") == "ball:momentum=0.5"
    checks = [check for check in map_checks(full=False) if check.name.startswith("ball")]
    assert {bare(check, "ball:momentum=0.5") for check in checks} == set(CORE)
    report = validate(checks)
    assert report.ok, report.misses
    # linear curves are those of optimizers that have a decay; the others are all there
    assert {"M", "loss_train", "kernel_drift", "alignment_population"} <= set(report.cases[0].margins)


def test_a_memory_that_is_not_the_twins_is_a_miss(register, monkeypatch):
    monkeypatch.setitem(TWINS, "ball", HeavyBall)

    class Wrong(MomentumOn):
        def step(self, k, y):  # the velocity of another convention: u counts (1 - mu) of the force
            memory = y[1]
            u = self._momentum * memory - (1 - self._momentum) * self._risk.force(y[0])
            return np.array([y[0] - self._pace.size(k) * u, u])

    register("ball", dataclass(frozen=True)(type("Ball", (Momentum,), {"on": lambda s, r, pace: Wrong(r, pace, 0.5)})))
    assert not any(case.ok for case in validate([c for c in map_checks(full=False) if c.name.startswith("ball")]).cases)


def test_an_exact_optimizer_without_a_twin_is_a_miss_that_says_so(register):
    register("tomorrow", Momentum)
    checks = [check for check in map_checks(full=False) if check.name.startswith("tomorrow")]
    assert [check.name for check in checks] == ["tomorrow"]
    (miss,) = validate(checks).misses
    assert miss.startswith("tomorrow: calls itself exact and has no twin")


def test_a_twin_with_other_parameters_is_a_miss(register, monkeypatch):
    monkeypatch.setitem(TWINS, "tomorrow", TWINS["gradient_descent"])  # knows no momentum
    register("tomorrow", Momentum)
    checks = [check for check in map_checks(full=False) if check.name.startswith("tomorrow")]
    misses = validate(checks[:1]).misses
    assert len(misses) == 1
    assert "breaks off: TypeError" in misses[0]
    assert "momentum" in misses[0]


def test_random_cases_are_the_same_every_time_and_each_another():
    one, other = ([case.parameters for case in random_cases(5, 3)] for _ in range(2))
    assert one == other
    assert one != [case.parameters for case in random_cases(5, 4)]
    assert len({case["alpha"] for case in one}) == 5


def test_random_cases_agree():
    report = validate([case.under("gradient_descent") for case in random_cases(2, 7)])
    assert report.ok, report.misses


def test_the_papers_cases_agree_as_far_as_they_are_tried_here():
    cases = [
        dataclasses.replace(case, parameters={**case.parameters, "steps": 5, "points": 3}) for case in paper_cases()
    ]
    report = validate(cases[1:])  # the first needs its 101 neurons of 100 weights
    assert report.ok, report.misses
