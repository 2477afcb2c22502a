"""A flipped sign or a changed factor in any formula that is validated makes the validation fail.

Each fault is planted in a copy of one method, and the checks that decide are the real ones: those of forces, two cases
of the matrix for each exact optimizer, one flow. The changed factor is 1 + 1e-6: a thousand times the tolerance of
losses, a million times that of forces and just beyond that of flows, and far below what a figure, or float32,
would show. The factor 1 changes nothing, and must be no miss.
"""

import typing
from functools import cached_property

import pytest
from grokode_validate.flows import flow_cases
from grokode_validate.forces import COMPARED, force_checks
from grokode_validate.matrix import exact_optimizers, map_checks
from grokode_validate.report import validate

from grokode.dynamics import problem
from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.optimizers.modified_flow import ModifiedFlow
from grokode.dynamics.pace import Pace
from grokode.dynamics.problem import Risk
from grokode.dynamics.risks import kernels, population
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.neurons import NeuronRisk
from grokode.dynamics.risks.population import PopulationRisk
from grokode.dynamics.risks.tensor import TensorRisk
from grokode.dynamics.risks.weighted import WeightedRisk
from grokode.model.states.factor import FactorState
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState
from grokode.task.data import Data
from grokode.task.system import Law

NEAR = 1 + 1e-6
FACTORS = (-1.0, NEAR)
RISKS = typing.get_args(Risk)
STATES = [kind for kind in COMPARED if kind not in RISKS]
SHORT = ("plain", "population, full covariance")


def matrix():
    """Two cases of every exact optimizer, one with samples and one with a law."""
    return cases_of(*SHORT)


def cases_of(*names):
    """Cases of the matrix by their names, under every exact optimizer."""
    return [check for check in map_checks(full=False) if check.name.endswith(tuple(f": {name}" for name in names))]


def checks_of(kind):
    """Names of the checks of the forces of a risk or state."""
    return {check.name for check in force_checks() if check.of is kind}


def missed(checks, factor=1.0):
    """Names of the checks that fail; under a factor near 1 by their numbers, none by breaking off."""
    report = validate(checks)
    assert report.ok == (not report.misses)
    assert factor < 0 or not any(result.fault for result in report.results)
    return {result.name for result in report.results if not result.ok}


def first_of(values):
    """Take the first of them always, the others where slow tests are asked for: each plants faults in whole runs."""
    first, *others = values
    return [first, *(pytest.param(value, marks=pytest.mark.slow) for value in others)]


# ---- steps of optimizers


class Faulty:
    """A bound optimizer of which one row's change is multiplied: theta's (row 0), or a memory's."""

    def __init__(self, bound, row, factor):
        self._bound, self._row, self._factor = bound, row, factor

    def __getattr__(self, name):
        return getattr(self._bound, name)

    def step(self, k, y):
        new = self._bound.step(k, y).copy()
        if self._row < len(y):
            new[self._row] = y[self._row] + self._factor * (new[self._row] - y[self._row])
        return new

    def advance(self, k, end, y):
        for j in range(k, end):
            y = self.step(j, y)
        return y

    def __call__(self, t, y):
        change = self._bound(t, y).copy()
        change[self._row] *= self._factor
        return change


def plant_step(monkeypatch, name, row, factor):
    """Plant a fault in the step of a registered optimizer; returns how many rows there are to plant it in."""
    cls, rows = OPTIMIZERS.load(name), []
    on = cls.on

    def faulty(self, *arguments):
        bound = on(self, *arguments)
        rows.append(1 + bound.memories)
        return Faulty(bound, row, factor)

    monkeypatch.setattr(cls, "on", faulty)
    return rows


@pytest.mark.parametrize("name", first_of(exact_optimizers()))
def test_a_faulty_step_of_a_map_is_a_miss(monkeypatch, name):
    checks = [check for check in matrix() if check.name.startswith(name)]
    rows = plant_step(monkeypatch, name, 0, 1.0)
    assert not missed(checks)
    monkeypatch.undo()
    for row in range(rows[0]):
        for factor in FACTORS:
            plant_step(monkeypatch, name, row, factor)
            assert missed(checks, factor) == {check.name for check in checks}, (row, factor)
            monkeypatch.undo()


@pytest.mark.parametrize("name", first_of([name for name in OPTIMIZERS if not OPTIMIZERS.load(name).steps]))
def test_a_faulty_speed_of_a_flow_is_a_miss(monkeypatch, name):
    checks = [case for case in flow_cases(full=False) if case.optimizer.partition(":")[0] == name][-1:]
    plant_step(monkeypatch, name, 0, NEAR)
    assert missed(checks, NEAR)


def test_a_faulty_correction_of_the_modified_flow_is_a_miss(monkeypatch):
    """A thousandth of the correction is 1e-3 dt rate / 2 of the speed; a ten-thousandth is still beyond 1e-6."""
    checks = [case for case in flow_cases(full=False) if case.optimizer == "modified_flow"][:1]
    on, factor = ModifiedFlow.on, 1.0
    monkeypatch.setattr(ModifiedFlow, "on", lambda self, risk, pace: on(self, risk, Pace(factor * pace.dt, pace.ratio)))
    assert not missed(checks)
    factor = 1 + 1e-4
    assert missed(checks)


# ---- forces and losses


def plant_method(monkeypatch, owner, method, factor, part):
    """Multiply the loss or the force that a method returns: a number, an array, or both."""
    original = getattr(owner, method)

    def faulty(self, *arguments):
        found = original(self, *arguments)
        if isinstance(found, tuple):
            loss, force = found
            return (loss, factor * force) if part == "force" else (factor * loss, force)
        return factor * found

    monkeypatch.setattr(owner, method, faulty)


def plant_descent(monkeypatch, factor):
    """Multiply what the compiled steps of a finite training set change."""
    original = EmpiricalRisk.descend

    def faulty(self, y, sizes, **how):
        before = y.copy()
        original(self, y, sizes, **how)
        y[:] = before + factor * (y - before)

    monkeypatch.setattr(EmpiricalRisk, "descend", faulty)


FORCES = [(kind, method) for kind in RISKS for method in ("force", "loss_force", "loss_force_moved")]
FORCES += [(kind, "loss_force") for kind in STATES]
LOSSES = [(kind, "loss") for kind in RISKS] + [pair for pair in FORCES if pair[1] != "force"]
BOTH = [(*pair, "force") for pair in FORCES] + [(*pair, "loss") for pair in LOSSES]


@pytest.mark.parametrize(("kind", "method", "part"), BOTH, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_faulty_force_or_loss_is_a_miss(monkeypatch, kind, method, part):
    for factor in FACTORS:
        plant_method(monkeypatch, kind, method, factor, part)
        assert missed(force_checks(), factor) == checks_of(kind), factor
        monkeypatch.undo()


@pytest.mark.parametrize("kind", first_of(RISKS))
def test_a_faulty_force_is_a_miss_of_whole_runs_too(monkeypatch, kind):
    """What trains: the numbers that whole runs are made of, not only the formulas one by one."""
    name = {PopulationRisk: SHORT[1], NeuronRisk: "He_3", WeightedRisk: "trained readouts"}.get(kind, "plain")
    ours = [check for check in cases_of(name) if not check.name.startswith("sgd")]
    if kind in (NeuronRisk, WeightedRisk):  # what optimizers do with a force does not depend on its kind
        ours = ours[:1]

    def choose():
        monkeypatch.setattr(problem, "pays", lambda *_: kind is TensorRisk)
        monkeypatch.setattr(problem, "weighted_pays", lambda *_: kind is WeightedRisk)

    for method in ("descend",) if kind is EmpiricalRisk else ("force", "loss_force_moved"):
        choose()
        if kind is EmpiricalRisk:
            plant_descent(monkeypatch, NEAR)
        else:
            plant_method(monkeypatch, kind, method, NEAR, "force")
        assert missed(ours, NEAR) == {check.name for check in ours}, method
        monkeypatch.undo()
    choose()
    plant_method(monkeypatch, kind, "loss", 1 + 1e-6, "loss")
    assert missed(ours) == {check.name for check in ours}


@pytest.mark.parametrize(("kind", "name"), [(EmpiricalRisk, "plain"), (NeuronRisk, "He_3")])
def test_a_faulty_force_of_a_batch_is_a_miss(monkeypatch, kind, name):
    batches = [check for check in cases_of(name) if check.name.startswith("sgd")]
    batches = batches[: 1 if kind is NeuronRisk else None]
    for factor in FACTORS:
        plant_method(monkeypatch, kind, "force_on", factor, "force")
        assert missed(batches, factor) == {check.name for check in batches}, factor
        monkeypatch.undo()


@pytest.mark.parametrize("name", ["residuals", "loss_force"])
@pytest.mark.parametrize("factor", FACTORS)
def test_a_faulty_compiled_kernel_is_a_miss(monkeypatch, name, factor):
    original = getattr(kernels, name)

    def faulty(*arguments):
        found = original(*arguments)
        arguments[-1][:] *= factor  # the residual, or the force
        return found if name == "loss_force" else factor * found

    monkeypatch.setattr(kernels, name, faulty)
    assert missed(force_checks(), factor) == {"forces of EmpiricalRisk"}


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("term", ["variance_error", "linear_power", "misalignment_error"])
def test_a_faulty_term_of_the_population_loss_is_a_miss(monkeypatch, term, factor):
    original = population._terms

    def faulty(*arguments):
        found = original(*arguments)
        values = {name: getattr(found, name) for name in ("variance_error", "linear_power", "misalignment_error")}
        return population.Terms(**{**values, term: factor * values[term]})

    monkeypatch.setattr(population, "_terms", faulty)
    assert missed(force_checks(), factor) == checks_of(PopulationRisk)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("state", [NeuronState, ReadoutState])
@pytest.mark.parametrize("part", [0, 1])
def test_a_faulty_unit_of_neurons_is_a_miss(monkeypatch, state, part, factor):
    original = state.split

    def faulty(self, theta):
        parts = list(original(self, theta))
        parts[part] = factor * parts[part]
        return tuple(parts)

    monkeypatch.setattr(state, "split", faulty)
    assert missed(force_checks(), factor)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("moment", ["M", "wbar"])
def test_faulty_moments_of_a_state_are_a_miss(monkeypatch, moment, factor):
    original = vars(FactorState)[moment].func
    planted = cached_property(lambda self: factor * original(self))
    planted.__set_name__(FactorState, moment)
    monkeypatch.setattr(FactorState, moment, planted)
    assert missed(matrix()[:1], factor)


# ---- data


def test_faulty_data_under_a_risk_are_a_miss(monkeypatch):
    original = EmpiricalRisk.__init__
    for X, y in ((1 + 1e-6, 1.0), (1.0, 1 + 1e-6), (1.0, -1.0)):

        def faulty(self, network, start, data, X=X, y=y):
            original(self, network, start, Data(X * data.X, y * data.y))

        monkeypatch.setattr(EmpiricalRisk, "__init__", faulty)
        assert missed(force_checks()) == {"forces of EmpiricalRisk"}
        monkeypatch.undo()


def test_a_faulty_law_under_a_risk_is_a_miss(monkeypatch):
    original = PopulationRisk.__init__
    for Sigma, b, B in ((1 + 1e-6, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, 1 + 1e-6)):

        def faulty(self, network, start, law, Sigma=Sigma, b=b, B=B):
            inputs, target = law.inputs, law.target
            changed = type(target)(target.c, b * target.b, B * target.B)
            original(self, network, start, Law(type(inputs)(Sigma * inputs.Sigma), changed, law.noise))

        monkeypatch.setattr(PopulationRisk, "__init__", faulty)
        assert missed(force_checks()) == checks_of(PopulationRisk)
        monkeypatch.undo()


def test_nothing_planted_is_no_miss():
    assert not missed([*force_checks(), *matrix()])
