"""The theory against a real network of width 2, trained elsewhere with JAX autodiff for 50,000 steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import grokode

FILE = Path(__file__).parents[1] / "reference" / "reference_run.npz"


@pytest.fixture(scope="module")
def bundle() -> grokode.Bundle:
    return grokode.bundle.load(FILE)


def err(loss: np.ndarray, reference: np.ndarray, mean_square_label: float) -> float:
    """Design's measure for integrated flows."""
    floor = 1e-3 * min(reference[0], mean_square_label)
    return float(np.max(np.abs(loss - reference) / np.maximum(reference, floor)))


def test_gradient_descent_is_the_real_run_to_rounding_at_every_step(bundle):
    run = grokode.run(bundle)
    assert run.experiment.optimizer == "gradient_descent"
    logged = bundle.arrays()
    assert np.array_equal(run.step, logged["step"])
    for loss, real in ((run.loss_train, logged["loss_train"]), (run.loss_test_sample, logged["loss_test"])):
        bound = 1e-9 * np.maximum(real, 1e-10 * max(1.0, float(bundle.alpha)) ** 1.5 * real[0])
        assert (np.abs(loss - real) <= bound).all()


def test_the_flow_keeps_the_rank_of_two_neurons(bundle):
    run = grokode.run(bundle, optimizer="gradient_flow", rtol=1e-3, keep_states=True)
    assert len(run.states) == len(run.t)
    for state in run.states:
        eigenvalues = np.linalg.eigvalsh(state.M)
        # the second one really falls that low, to 2.6e-9 of the first; what is not there stays rounding
        assert eigenvalues[-2] > 1e-9 * eigenvalues[-1]
        assert np.abs(eigenvalues[:-2]).max() < 1e-14 * eigenvalues[-1]


def test_the_flow_converges_as_the_tolerance_tightens(bundle):
    # the guard would tighten a loose run by itself
    flow = {"optimizer": "gradient_flow", "guard": False}
    runs = [grokode.run(bundle, **flow, rtol=10.0**-digits) for digits in range(3, 9)]
    tightest, label = runs[-1], float(np.mean(bundle.arrays()["y_train"] ** 2))
    for name in ("loss_train", "loss_test_sample"):
        errors = [err(getattr(run, name), getattr(tightest, name), label) for run in runs[:-1]]
        # each tenth of the tolerance gains, and five of them gain more than a thousandfold
        assert all(after < before for before, after in zip(errors, errors[1:], strict=False)), errors
        assert errors[-1] < 1e-5
        assert errors[-1] < 1e-3 * errors[0]


def test_the_flow_differs_from_descent_by_what_a_step_of_this_size_does(bundle):
    descent, flow = grokode.run(bundle), grokode.run(bundle, optimizer="gradient_flow")
    difference = np.abs(descent.loss_test_sample - flow.loss_test_sample).max()
    assert 1e-3 < difference < 0.05
