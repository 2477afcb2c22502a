"""As alpha grows a trained network becomes its linearisation around the start, and what it misses falls as 1/alpha."""

import numpy as np
import pytest

import grokode
from grokode.lazy import kernel_regression, linearize

LOSSES = ("loss_train", "loss_test_exact")
ALPHAS = (1e2, 1e3, 1e4)
SMALL = {
    "dim": 5,
    "n_train": 8,
    "width": 7,
    "eps": 0.3,
    "noise": 0.1,
    "n_test": 20,
    "centered": True,
    "points": 30,
    "rtol": 1e-9,
}
FLOW = {"optimizer": "gradient_flow", "t_max": 3e4}
DESCENT = {"optimizer": "gradient_descent", "dt": 0.2, "steps": 20_000}
each_optimizer = pytest.mark.parametrize("how", [FLOW, DESCENT], ids=["flow", "descent"])


def gaps(run, losses=LOSSES):
    """Largest distance between each loss and its lazy one over saved times, in units of the initial loss."""
    return np.array(
        [np.max(np.abs(getattr(run, name) - getattr(run, f"{name}_lazy"))) / getattr(run, name)[0] for name in losses]
    )


def orders(values, alphas=ALPHAS):
    """Powers of 1/alpha with which values fall."""
    return -np.diff(np.log(values), axis=0).T / np.diff(np.log(alphas))


@pytest.fixture(scope="module")
def small_runs():
    """Return runs at every alpha, each made once."""
    made = {}

    def runs(how):
        name = how["optimizer"]
        if name not in made:
            made[name] = [grokode.run(**SMALL | how, alpha=alpha, lazy=True) for alpha in ALPHAS]
        return made[name]

    return runs


# ---- figure 1


@pytest.fixture(scope="module")
def figure_1():
    return {
        (eps, alpha): grokode.run(
            "kumar-fig1", eps=eps, alpha=alpha, optimizer="gradient_flow", lazy=True, solver="bdf"
        )
        for eps, alpha in ((0.02, 1e3), (0.25, 1e2), (0.25, 1e3), (0.25, 1e4))
    }


@pytest.mark.slow
@pytest.mark.parametrize("eps", [0.02, 0.25])
def test_figure_1_at_large_alpha_is_lazy(figure_1, eps):
    run = figure_1[eps, 1e3]
    assert np.all(gaps(run) <= 1e-2)
    assert run.loss_train[-1] < 0.5 * run.loss_train[0]  # it did train


@pytest.mark.slow
def test_figure_1_becomes_lazy_at_order_one(figure_1):
    """Eps = 0.25; from 100 to 10 000, where the next order is 1/100 of this one at the most."""
    found = orders([gaps(figure_1[0.25, alpha]) for alpha in ALPHAS])
    assert np.all(np.abs(found - 1) < 0.1)


# ---- a small set-up


@each_optimizer
def test_every_loss_becomes_lazy_at_order_one(small_runs, how):
    found = orders([gaps(run, (*LOSSES, "loss_test_sample")) for run in small_runs(how)])
    assert np.all(np.abs(found[:, -1] - 1) < 0.1)
    assert np.all(np.abs(found[:, -1] - 1) <= np.abs(found[:, 0] - 1) + 0.01)


@each_optimizer
def test_the_kernels_drift_falls_at_order_one(small_runs, how):
    drifts = [[run.kernel_drift.max() / run.kernel_norm[0]] for run in small_runs(how)]
    assert np.all(np.abs(orders(drifts)[:, -1] - 1) < 0.1)


@each_optimizer
def test_the_weights_go_as_far_as_the_tasks_difficulty(small_runs, how):
    """alpha^2 |V - V0|^2 tends to y^T K_0^-1 y, at order one."""
    missed = []
    for alpha, run in zip(ALPHAS, small_runs(how), strict=True):
        difficulty = linearize(grokode.problem(run.experiment)).difficulty
        squared = (alpha * run.relative_change[-1]) ** 2 * run.mean_square_weight[0]
        missed.append([abs(squared / difficulty - 1)])
    assert missed[-1][0] < 1e-3
    assert np.all(np.abs(orders(missed) - 1) < 0.1)


@each_optimizer
def test_the_network_ends_at_kernel_regression(small_runs, how):
    run = small_runs(how)[-1]
    assert run.loss_test_exact[-1] == pytest.approx(
        kernel_regression(grokode.problem(run.experiment)).loss_exact, rel=1e-2, abs=0
    )
