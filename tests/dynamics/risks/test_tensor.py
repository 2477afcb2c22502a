"""What the moments of a data set must add to the assertions that both risks share: digits, and when they are used."""

import numpy as np
import pytest

import grokode
from grokode.dynamics import problem
from grokode.dynamics.risks.empirical import EmpiricalRisk
from grokode.dynamics.risks.tensor import TensorRisk, pays
from grokode.experiment.systems import problem_of
from grokode.model.network import Network
from grokode.model.states.factor import FactorState
from grokode.task.data import Data


@pytest.mark.parametrize(("alpha", "centered"), [(1.0, True), (1e4, True), (100.0, False)])
@pytest.mark.parametrize("share", [1.05, 3.0])
def test_a_solution_has_no_more_loss_than_residuals_have_digits(rng, alpha, centered, share):
    """A few roundings of the predictor, which a Gram matrix would raise to their root, 1e-8."""
    D, network = 10, Network(alpha=alpha, eps=0.3, centered=centered)
    start = FactorState.random(D, 20, 1.0, rng)
    X = rng.standard_normal((int(share * D * (D + 3) / 2), D)) / np.sqrt(D)
    dV = (start.V + rng.standard_normal(start.V.shape) / alpha) - start.V  # what is added without rounding
    solution = Data(X, EmpiricalRisk(network, start, Data(X, np.zeros(len(X)))).residual(start.V + dV))
    risk = TensorRisk(network, start, solution)
    largest = np.sqrt(risk.loss(start.V) + risk.mean_square_label)  # of what is subtracted from one another
    assert np.sqrt(risk.loss_force_moved(dV)[0]) <= 10 * np.finfo(float).eps * largest


RUNS = {
    "infinite width": {"width": np.inf},
    "two neurons, not centred": {"width": 2, "centered": False},
    "lazy": {"alpha": 1e4, "width": 50},
    "rich": {"alpha": 0.01, "width": 50, "dt": 0.2},
    "labels that no network has": {"noise": 1.0, "eps": 1.0},
}


@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
def test_descent_keeps_the_promise_of_exact_maps(monkeypatch, changes):
    """|dL| <= 1e-9 max(L, 1e-10 max(1, alpha)^1.5 L(0)), beside the risk that equals trained networks to rounding."""
    common = {"dim": 8, "n_train": 120, "n_test": 200, "optimizer": "gradient_descent", "dt": 0.4, "steps": 3000}
    monkeypatch.setattr(problem, "pays", lambda *_: False)
    by_samples = grokode.run(**common | changes)
    monkeypatch.setattr(problem, "pays", lambda *_: True)
    bound = grokode.run(**common | changes)
    for name in ("loss_train", "loss_test_exact", "loss_test_sample"):
        one, other = getattr(by_samples, name), getattr(bound, name)
        floor = 1e-10 * max(1.0, changes.get("alpha", 1.0)) ** 1.5 * one[0]
        assert np.all(np.abs(one - other) <= 1e-9 * np.maximum(one, floor))
    assert not np.array_equal(by_samples.loss_train, bound.loss_train), "both were computed in the same way"


def test_flows_and_what_needs_the_samples_are_the_same(monkeypatch):
    common = {
        "dim": 6,
        "n_train": 60,
        "n_test": 70,
        "width": 4,
        "t_max": 1e3,
        "points": 20,
        "lazy": True,
        "solver": "bdf",
    }
    monkeypatch.setattr(problem, "pays", lambda *_: False)
    by_samples = grokode.run(**common)
    monkeypatch.setattr(problem, "pays", lambda *_: True)
    bound = grokode.run(**common)
    assert list(by_samples.curves) == list(bound.curves)
    assert {"alignment_sample_train", "alignment_sample_test", "loss_train_lazy"} <= set(bound.curves)
    for name, curve in by_samples.curves.items():  # both within the solver's tolerance of 1e-6, on the same steps
        np.testing.assert_allclose(bound.curves[name].values, curve.values, rtol=1e-6, atol=1e-9)


def test_moments_are_used_where_they_save_work():
    def kinds(**parameters):
        experiment = grokode.Experiment(dim=10, optimizer="gradient_descent", **parameters)
        found = problem_of(experiment, None, evaluations=parameters["steps"])
        return type(found.train), type(found.tests["sample"])

    many = {"n_train": 5000, "n_test": 5000, "width": np.inf}
    assert kinds(**many, steps=10_000) == (TensorRisk, TensorRisk)
    assert kinds(**many, steps=1) == (EmpiricalRisk, EmpiricalRisk)
    assert kinds(**many | {"n_train": 100}, steps=10_000) == (EmpiricalRisk, TensorRisk)


def test_the_rule_grows_with_the_samples_and_the_evaluations():
    used = [[pays(P, 20, 21, n) for n in (0, 10, 1e3, 1e5)] for P in (100, 400, 600, 2000, 10**6)]
    assert used == [
        [False] * 4,
        [False] * 4,
        [False, False, True, True],
        [False, False, True, True],
        [False, False, True, True],
    ]
    assert not pays(10**6, 200, 201, 1e9)  # 10 GiB
