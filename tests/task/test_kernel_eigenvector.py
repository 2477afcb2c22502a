"""Labels that are an eigenvector of the initial kernel on all points, found by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import grokode
from grokode import memory
from grokode.errors import InvalidInput
from grokode.experiment.exporting import export
from grokode.model.network import Network
from grokode.model.starts.gaussian import GaussianStart
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import DrawnSystem
from grokode.task.targets import TARGETS

NETWORK = Network(alpha=0.7, eps=0.4)
P, T = 7, 4
BASE = DrawnSystem(
    inputs=Gaussian.isotropic(3), target=TARGETS.build("kernel_eigenvector:k=1"), start=GaussianStart(),
    n_train=P, n_test=T, width=5, sigma=1.0, noise=0.0, seed=2,
)  # fmt: skip
SPEC = {"dim": 3, "n_train": P, "n_test": T, "width": 5, "eps": 0.4, "seed": 2}


def drawn(k=1, network=NETWORK, **changes):
    return dataclasses.replace(BASE, target=TARGETS.build(f"kernel_eigenvector:k={k}"), **changes).draw(network)


def pooled(draw):
    """Return all points, train first, with their labels."""
    train, test = draw.train, draw.tests["sample"]
    return np.vstack([train.X, test.X]), np.concatenate([train.y, test.y])


def matrix(draw, eps):
    """Return the kernel of all points less its overall mean."""
    (X, _), start = pooled(draw), draw.start
    K = (X @ X.T) * (1 + eps * np.add.outer(X @ start.wbar, X @ start.wbar) + eps**2 * X @ start.M @ X.T)
    return K - K.mean()


# of eleven points in nine monomials the last eigenvalue but one is zero and the last negative: k counts by value
@pytest.mark.parametrize("k", [1, 2, 5, 9, 10, 11])
def test_labels_are_eigenvector_k_of_the_kernel_less_its_mean_counted_from_the_largest(k):
    draw = drawn(k)
    y, A = pooled(draw)[1], matrix(draw, 0.4)
    values, vectors = np.linalg.eigh(A)
    assert values[0] < -1e-6
    assert A @ y == pytest.approx(values[-k] * y, abs=1e-12 * values[-1])
    assert abs(y @ vectors[:, -k]) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("k", [1, 4, 8])
@pytest.mark.parametrize("seed", range(5))
def test_labels_have_unit_length_over_all_points_and_their_largest_is_positive(k, seed):
    y = pooled(drawn(k, seed=seed))[1]
    assert y @ y == pytest.approx(1, rel=1e-12)
    assert y.max() == np.abs(y).max()


def test_points_are_those_of_any_target():
    draw, other = drawn(3), dataclasses.replace(BASE, target=TARGETS.build("single_index")).draw(NETWORK)
    np.testing.assert_array_equal(draw.train.X, other.train.X)
    np.testing.assert_array_equal(draw.tests["sample"].X, other.tests["sample"].X)
    np.testing.assert_array_equal(draw.start.V, other.start.V)


def test_without_test_points_the_training_points_are_all():
    draw = drawn(2, n_test=0)
    assert not draw.tests
    assert draw.train.y @ draw.train.y == pytest.approx(1, rel=1e-12)


def test_noise_is_on_training_labels_alone():
    clean, one, two = (drawn(2, noise=noise) for noise in (0.0, 0.1, 0.2))
    np.testing.assert_array_equal(two.tests["sample"].y, clean.tests["sample"].y)
    np.testing.assert_allclose(two.train.y - clean.train.y, 2 * (one.train.y - clean.train.y), rtol=1e-12)
    assert np.std(one.train.y - clean.train.y) > 0.02


def test_labels_depend_on_eps_and_not_on_alpha():
    draw = drawn(2)
    for network in (Network(alpha=50.0, eps=0.4), Network(alpha=0.7, eps=0.4, centered=False)):
        np.testing.assert_array_equal(pooled(drawn(2, network))[1], pooled(draw)[1])
    other = drawn(2, Network(alpha=0.7, eps=0.9))
    assert not np.allclose(pooled(other)[1], pooled(draw)[1], atol=1e-3)
    np.testing.assert_allclose(
        matrix(other, 0.9) @ pooled(other)[1],
        np.linalg.eigvalsh(matrix(other, 0.9))[-2] * pooled(other)[1],
        atol=1e-12,
    )


def test_there_is_neither_a_function_nor_a_direction_to_measure_against():
    draw = drawn(2)
    assert set(draw.tests) == {"sample"}
    assert len(draw.directions) == 0
    run = grokode.run(**SPEC, target="kernel_eigenvector:k=2", t_max=10, points=4)
    assert run.summary["test_loss"] == "sample"
    absent = {"loss_test_exact", "target_overlap", "alignment_population", "variance_error", "loss_test_exact_lazy"}
    assert absent.isdisjoint(run.curves)
    assert run.loss_train[0] == pytest.approx(np.mean(draw.train.y**2), rel=1e-12)
    assert run.loss_test_sample[0] == pytest.approx(np.mean(draw.tests["sample"].y ** 2), rel=1e-12)


def test_a_saved_bundle_of_it_trains_to_the_same_curves(tmp_path):
    run = grokode.run(
        **SPEC, target="kernel_eigenvector:k=3", noise=0.1, optimizer="gradient_descent", steps=40, lazy=True
    )
    bundle = export(run)
    assert (bundle.covariance, bundle.beta_star, bundle.B) == (None, None, None)
    again = grokode.run(bundle, lazy=True)
    for name in ("loss_train", "loss_test_sample", "kernel_drift", "alignment_sample_train", "alignment_centered_test",
                 "loss_test_sample_lazy"):  # fmt: skip
        np.testing.assert_allclose(again.curves[name].values, run.curves[name].values, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"target": "kernel_eigenvector:k=0"}, "k must be at least 1, got 0"),
        ({"target": "kernel_eigenvector:k=12"}, "k must be at most 11, the number of points, got 12"),
        ({"target": "kernel_eigenvector:k=8", "n_test": 0}, "k must be at most 7, the number of points, got 8"),
        ({"target": "kernel_eigenvector"}, "needs k: write kernel_eigenvector:k="),
        ({"target": "kernel_eigenvector:k=1.5"}, "whole number, got '1.5'"),
        ({"target": "kernel_eigenvector:k=1", "n_train": math.inf}, "n_train = inf has none; give a finite --n-train"),
    ],
)
@pytest.mark.parametrize("do", [grokode.run, grokode.kernel], ids=["run", "kernel"])
def test_what_has_no_such_eigenvector_is_refused(do, parameters, said):
    with pytest.raises(InvalidInput, match=said):
        do(**SPEC | parameters)


def test_the_last_eigenvector_is_one_too():
    assert grokode.run(**SPEC, target=f"kernel_eigenvector:k={P + T}", t_max=1, points=3).status == "done"


def test_labels_of_too_many_points_are_refused_in_gib_before_anything_is_drawn(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 4e6)  # of train and test points each alone: 2e6
    monkeypatch.setattr(DrawnSystem, "draw", lambda *_: pytest.fail("it drew"))
    with pytest.raises(InvalidInput, match=r"needs about 0\.00\d+ GiB .* --n-test"):
        grokode.run(dim=3, n_train=220, n_test=220, target="kernel_eigenvector:k=1")


def test_that_many_points_of_a_function_are_not(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 4e6)
    assert grokode.run(dim=3, n_train=220, n_test=220, t_max=1, points=2, lazy=False).status == "done"


def test_figure_5_is_its_preset():
    run = grokode.run("kumar-fig5", steps=20)
    experiment = run.experiment
    assert (experiment.dim, experiment.n_train, experiment.n_test, experiment.width) == (100, 100, 100, 2)
    assert (experiment.alpha, experiment.eps, experiment.dt) == (1.0, 0.25, 0.5)
    problem = grokode.problem(experiment)
    y = np.concatenate([problem.train.data.y, problem.tests["sample"].data.y])
    assert y @ y == pytest.approx(1, rel=1e-12)
    assert run.loss_train[0] + run.loss_test_sample[0] == pytest.approx(0.01, rel=1e-12)
