"""The kernel along a run, the linearised network beside it, and the regression it ends in, all written out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import grokode

ALIGNMENTS = ("alignment_sample", "alignment_column_centered", "alignment_centered")
ON_TRAIN = {f"{name}_train" for name in ALIGNMENTS}
ON_TEST = {f"{name}_test" for name in ALIGNMENTS}
POPULATION = {"alignment_population"}
NORMS = {
    "kernel_drift", "kernel_drift_scale", "kernel_drift_rotation",
    "kernel_norm", "kernel_norm_linear", "kernel_norm_cross", "kernel_norm_quadratic",
}  # fmt: skip
TRAIN_LAZY, EXACT_LAZY, SAMPLE_LAZY = {"loss_train_lazy"}, {"loss_test_exact_lazy"}, {"loss_test_sample_lazy"}
ALL = POPULATION | ON_TRAIN | ON_TEST | NORMS | TRAIN_LAZY | EXACT_LAZY | SAMPLE_LAZY
NUMBERS = (
    "kernel_regression_loss_exact", "kernel_regression_loss_sample", "kernel_condition", "kernel_rank",
    "train_loss_floor",
)  # fmt: skip

BASE = {"dim": 3, "n_train": 6, "n_test": 5, "width": 4, "eps": 0.6, "alpha": 0.8, "times": "0,1,6,30"}
CASES: dict[str, dict[str, Any]] = {
    "flow": {},
    "descent": {"optimizer": "gradient_descent", "dt": 0.3, "times": "0,0.3,6,30"},
    "uncentred": {"centered": False},
    "one neuron": {"width": 1},
    "infinite width": {"width": math.inf},
    "few points": {"n_train": 3, "n_test": 4},  # here no moments are taken: the matrix itself is read
    "more points than monomials": {"n_train": 30, "n_test": 25},
    "noise": {"noise": 0.5},
    "covariance": {"covariance": 0.7, "target": "multi_index:k=2,weights=1:-0.5"},
}


def kernel(state: Any, eps: float, X1: Any, X2: Any) -> Any:
    return sum(kernel_terms(state, eps, X1, X2))


def kernel_terms(state: Any, eps: float, X1: Any, X2: Any) -> tuple[Any, Any, Any]:
    inner, means = X1 @ X2.T, np.add.outer(X1 @ state.wbar, X2 @ state.wbar)
    return inner, eps * inner * means, eps**2 * inner * (X1 @ state.M @ X2.T)


def norm(K: Any) -> float:
    return float(np.sqrt(np.sum(K**2)))


@dataclass(frozen=True)
class Ran:
    """A run, and the points that it was drawn on."""

    run: grokode.Run
    problem: Any

    @property
    def eps(self) -> float:
        return self.run.experiment.eps

    @property
    def train(self) -> Any:
        return self.problem.train.data

    def points(self, name: str) -> tuple[Any, Any, Any]:
        """Points, clean labels and weights that sum to one; the law's are exact up to degree nine in each input."""
        if name == "sample":
            data = self.problem.tests["sample"].data
            return data.X, data.y, np.full(len(data.y), 1 / len(data.y))
        law, dim = self.problem.tests["exact"].law, self.run.experiment.dim
        nodes, weights = np.polynomial.hermite_e.hermegauss(5)
        X = np.array(list(itertools.product(nodes, repeat=dim))) @ np.linalg.cholesky(law.inputs.matrix).T
        products = np.prod(list(itertools.product(weights / weights.sum(), repeat=dim)), axis=1)
        return X, law.target(X), products

    def kernels(self, X: Any) -> list[Any]:
        return [kernel(state, self.eps, X, X) for state in self.run.states]

    def start(self, X: Any) -> Any:
        """Predictor at the start."""
        experiment, state = self.run.experiment, self.run.states[0]
        if experiment.centered:
            return np.zeros(len(X))
        return experiment.alpha * (X @ state.wbar + experiment.eps / 2 * np.sum(X @ state.M * X, axis=1))

    def linearized(self, name: str, left: Callable[[Any], Any]) -> Any:
        """Loss on the points when of every mode, with eigenvalue lambda of K/P, left(lambda) remains."""
        X, y, state = self.train.X, self.train.y, self.run.states[0]
        values, vectors = np.linalg.eigh(kernel(state, self.eps, X, X) / len(y))
        live = values > 1e-10 * values[-1]
        components = vectors.T @ (self.start(X) - y)
        if name == "train":
            return np.mean((vectors @ (np.where(live, left(values), 1.0) * components)) ** 2)
        fitted = vectors[:, live] @ ((left(values[live]) - 1) * components[live] / (len(y) * values[live]))
        points, labels, weights = self.points(name)
        return weights @ (self.start(points) - labels + kernel(state, self.eps, points, X) @ fitted) ** 2


def given(centered: bool) -> grokode.Bundle:
    """Return a bundle whose target has all three parts, on inputs with a covariance of their own."""
    rng = np.random.default_rng(3)
    root, B = rng.standard_normal((2, 3, 3))
    c, b, B, Sigma = 0.4, rng.standard_normal(3), B + B.T, root @ root.T / 9
    X = rng.standard_normal((11, 3)) @ np.linalg.cholesky(Sigma).T
    y = c + X @ b + np.sum(X @ B * X, axis=1) / 2
    return grokode.Bundle(
        X_train=X[:6], y_train=y[:6], X_test=X[6:], y_test=y[6:], W0=rng.standard_normal((4, 3)), alpha=0.8, eps=0.6,
        lr=0.04, centered=centered, covariance=Sigma, c=c, b=b, B=B, step=[0, 1, 10, 100],
    )  # fmt: skip


BUNDLES = {"given": True, "given, uncentred": False}


@pytest.fixture(scope="module", params=[*CASES, *BUNDLES])
def ran(request):
    if request.param in BUNDLES:
        bundle = given(BUNDLES[request.param])
        return Ran(grokode.run(bundle, lazy=True, keep_states=True), grokode.problem(bundle))
    run = grokode.run(**BASE | CASES[request.param], lazy=True, keep_states=True)
    return Ran(run, grokode.problem(run.experiment))


def named(run: grokode.Run) -> set[str]:
    """Return the curves that are not those of the run itself."""
    return {name for name in run.curves if name.startswith(("alignment", "kernel")) or name.endswith("lazy")}


def test_all_curves_exist_under_their_names(ran):
    assert named(ran.run) == ALL
    assert set(NUMBERS) <= set(ran.run.summary)


def test_labels_say_what_the_names_say(ran):
    labels = {name: ran.run.curves[name].long_name for name in ALL}
    assert len(set(labels.values())) == len(labels)
    ways = {"sample": "not centred", "column_centered": "columns centred", "centered": "centred"}
    for where, points in (("train", "training points"), ("test", "test points")):
        for name, way in ways.items():
            assert labels[f"alignment_{name}_{where}"] == f"alignment ({points}, {way})"
    assert labels["alignment_population"] == "alignment (population)"
    for word in ("drift", "scale", "rotation", "linear", "cross", "quadratic"):
        assert all((word in labels[name]) == (word in name) for name in NORMS)
    assert {ran.run.curves[name].units for name in NORMS} == {"1/flow time"}
    for name in ("loss_train", "loss_test_exact", "loss_test_sample"):
        assert labels[f"{name}_lazy"] == f"{ran.run.curves[name].long_name}, linearised"


def test_norms_are_those_of_the_matrix_and_its_terms(ran):
    X = ran.train.X
    terms = np.array([[norm(term) for term in kernel_terms(state, ran.eps, X, X)] for state in ran.run.states])
    assert ran.run.kernel_norm == pytest.approx([norm(K) for K in ran.kernels(X)], rel=1e-10)
    for index, name in enumerate(("linear", "cross", "quadratic")):
        found = ran.run.curves[f"kernel_norm_{name}"].values
        assert found == pytest.approx(terms[:, index], rel=1e-8, abs=1e-12 * terms[0, 0]), name


def test_drift_is_from_the_start_and_splits_into_scale_and_rotation(ran):
    K0, *later = ran.kernels(ran.train.X)
    run, size = ran.run, norm(K0)
    for name in ("kernel_drift", "kernel_drift_scale", "kernel_drift_rotation"):
        assert run.curves[name].values[0] == 0
    assert run.kernel_drift[1:] == pytest.approx([norm(K - K0) for K in later], rel=1e-9, abs=1e-13 * size)
    scales = [np.vdot(K, K0) / size**2 for K in later]
    assert run.kernel_drift_scale[1:] == pytest.approx([(s - 1) * size for s in scales], rel=1e-8, abs=1e-13 * size)
    rotations = [norm(K - s * K0) for K, s in zip(later, scales, strict=True)]
    assert run.kernel_drift_rotation[1:] == pytest.approx(rotations, rel=1e-6, abs=1e-12 * size)
    assert run.kernel_drift**2 == pytest.approx(run.kernel_drift_scale**2 + run.kernel_drift_rotation**2, rel=1e-12)
    assert run.kernel_drift[-1] > 1e-3 * size  # it has moved


@pytest.mark.parametrize("where", ["train", "test"])
def test_alignments_of_a_sample_are_their_formulas(ran, where):
    data = ran.train if where == "train" else ran.problem.tests["sample"].data
    y, n = data.y, len(data.y)
    H = np.eye(n) - 1 / n
    expected = {"alignment_sample": [], "alignment_column_centered": [], "alignment_centered": []}
    for K in ran.kernels(data.X):
        expected["alignment_sample"].append(y @ K @ y / (norm(K) * (y @ y)))
        expected["alignment_column_centered"].append(y @ H @ K @ y / (norm(H @ K) * (y @ y)))
        expected["alignment_centered"].append(y @ H @ K @ H @ y / (norm(H @ K @ H) * (y @ H @ y)))
    for name, values in expected.items():
        assert ran.run.curves[f"{name}_{where}"].values == pytest.approx(values, rel=1e-9, abs=1e-12), name


def test_the_alignment_of_the_population_is_its_mean_over_two_inputs(ran):
    X, y, weights = ran.points("exact")
    expected = [
        (weights * y) @ K @ (weights * y) / (np.sqrt(weights @ K**2 @ weights) * (weights @ y**2))
        for K in ran.kernels(X)
    ]
    assert ran.run.alignment_population == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("name", "curve"), [("train", "loss_train"), ("exact", "loss_test_exact"),
                                             ("sample", "loss_test_sample")])  # fmt: skip
def test_the_linearised_network_is_that_of_the_kernel_at_the_start(ran, name, curve):
    experiment = ran.run.experiment

    def left(t: float, values: Any) -> Any:
        if experiment.optimizer == "gradient_descent":
            dt = experiment.dt or experiment.lr * experiment.alpha**2 / 4  # four neurons
            return (1 - 2 * dt * values) ** round(t / dt)
        return np.exp(-2 * values * t)

    expected = [ran.linearized(name, lambda values, t=t: left(t, values)) for t in ran.run.t]
    found = ran.run.curves[f"{curve}_lazy"].values
    assert found == pytest.approx(expected, rel=1e-8)
    assert found[0] == pytest.approx(ran.run.curves[curve].values[0], rel=1e-12)
    assert not np.allclose(found, ran.run.curves[curve].values, rtol=1e-3)  # the run itself is another one


def test_the_summary_is_of_regression_with_the_kernel_at_the_start(ran):
    summary, X = ran.run.summary, ran.train.X
    for name in ("exact", "sample"):
        expected = ran.linearized(name, np.zeros_like)
        assert summary[f"kernel_regression_loss_{name}"] == pytest.approx(expected, rel=1e-6)
    assert summary["train_loss_floor"] == pytest.approx(ran.linearized("train", np.zeros_like), rel=1e-8, abs=1e-20)
    values = np.linalg.eigvalsh(kernel(ran.run.states[0], ran.eps, X, X))
    live = values[values > 1e-10 * values[-1]]
    assert summary["kernel_rank"] == len(live)
    assert summary["kernel_condition"] == pytest.approx(live[-1] / live[0], rel=1e-8)


def test_a_run_that_stays_lazy_is_the_linearised_network():
    run = grokode.run(**BASE | {"alpha": 1e5}, lazy=True)
    for name in ("loss_train", "loss_test_exact", "loss_test_sample"):
        assert run.curves[f"{name}_lazy"].values == pytest.approx(run.curves[name].values, rel=1e-3)
    assert run.kernel_drift.max() < 1e-3 * run.kernel_norm[0]


# ---- what does not apply is absent


def numbers(run: grokode.Run) -> set[str]:
    return {name for name in NUMBERS if run.summary[name] is not None}


def test_an_infinite_training_set_has_no_matrix():
    run = grokode.run(**BASE | {"n_train": math.inf, "noise": 0.3}, lazy=True)
    assert named(run) == POPULATION | ON_TEST | TRAIN_LAZY | EXACT_LAZY | SAMPLE_LAZY
    assert numbers(run) == {"kernel_regression_loss_exact", "kernel_regression_loss_sample"}
    for name in ("loss_train", "loss_test_exact", "loss_test_sample"):
        assert run.curves[f"{name}_lazy"].values[0] == pytest.approx(run.curves[name].values[0], rel=1e-12)
    assert run.loss_train_lazy == pytest.approx(run.loss_test_exact_lazy + 0.09, rel=1e-12)


def test_no_test_points_have_no_curves():
    run = grokode.run(**BASE | {"n_test": 0}, lazy=True)
    assert named(run) == ALL - ON_TEST - SAMPLE_LAZY
    assert numbers(run) == set(NUMBERS) - {"kernel_regression_loss_sample"}


@pytest.fixture
def arrays(rng):
    X, beta = rng.standard_normal((6, 3)), rng.standard_normal(3)
    return {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2, "W0": rng.standard_normal((4, 3)),
        "alpha": 0.8, "eps": 0.6, "lr": 0.05, "centered": True,
        "X_test": X[:4] + 1, "y_test": ((X[:4] + 1) @ beta) ** 2 / 2,
    }  # fmt: skip


def test_a_bundle_without_a_law_of_the_inputs_has_no_population(arrays):
    run = grokode.run(grokode.Bundle(**arrays), steps=5)
    assert named(run) == ALL - POPULATION - EXACT_LAZY
    assert numbers(run) == set(NUMBERS) - {"kernel_regression_loss_exact"}


@pytest.mark.parametrize(
    ("label", "gone"), [(0.0, ON_TRAIN), (1.5, {"alignment_centered_train"})], ids=["zero", "constant"]
)
def test_labels_that_vanish_once_centred_are_aligned_with_nothing(arrays, label, gone):
    run = grokode.run(grokode.Bundle(**arrays | {"y_train": np.full(6, label)}), steps=5)
    assert named(run) == ALL - POPULATION - EXACT_LAZY - gone


@pytest.mark.parametrize(("n_train", "n_test", "gone"), [(1, 5, "train"), (6, 1, "test")])
def test_a_single_point_has_no_centred_alignment(n_train, n_test, gone):
    run = grokode.run(**BASE | {"n_train": n_train, "n_test": n_test})
    assert named(run) == ALL - {f"alignment_centered_{gone}"}


def test_a_target_that_vanishes_is_aligned_with_nothing():
    run = grokode.run(**BASE | {"target": "single_index:scale=0"})
    assert named(run) == ALL - POPULATION - ON_TRAIN - ON_TEST
    assert run.loss_test_exact_lazy.max() == run.summary["kernel_regression_loss_exact"] == 0


def test_labels_that_are_an_eigenvector_have_no_population():
    run = grokode.run(**BASE | {"target": "kernel_eigenvector:k=2"})
    assert named(run) == ALL - POPULATION - EXACT_LAZY


def test_a_run_may_have_none_of_them():
    run = grokode.run(**BASE, lazy=False)
    assert named(run) == set()
    assert [run.summary[name] for name in NUMBERS] == [None] * len(NUMBERS)


def test_they_change_nothing_of_the_run_itself():
    with_them, without = (grokode.run(**BASE, lazy=lazy) for lazy in (True, False))
    for name, curve in without.curves.items():
        assert np.array_equal(with_them.curves[name].values, curve.values)
    assert with_them.work.nfev == without.work.nfev


# ---- steps too long for the linearised network


def test_linearised_losses_without_bound_are_absent_and_said_to_be():
    lines: list[str] = []
    long_steps = {"optimizer": "gradient_descent", "dt": 3.0, "steps": 1000}
    run = grokode.run(dim=5, n_train=8, **long_steps, say=lines.append)
    assert np.isfinite(run.loss_train).all()  # feature learning finds its way back
    assert named(run) == POPULATION | ON_TRAIN | NORMS
    assert len(lines) == 1
    for word in ("linearised network", "step", "diverge"):
        assert word in lines[0]
    assert run.summary["kernel_regression_loss_exact"] > 0  # its limit is one of shorter steps
