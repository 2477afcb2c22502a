"""Bundles: what is read is what was given, and what they declare is respected."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import grokode
from grokode import Bundle, Gaussian, GrokodeWarning, InvalidInput

D, P, N = 6, 9, 4


@pytest.fixture
def arrays() -> dict:
    rng = np.random.default_rng(1)
    X, beta = rng.standard_normal((P, D)), rng.standard_normal(D)
    return {
        "X_train": X,
        "y_train": (X @ beta) ** 2 / 2,
        "W0": rng.standard_normal((N, D)),
        "alpha": 0.7,
        "eps": 0.2,
        "lr": 0.05,
        "centered": False,
        "beta_star": beta,
        "covariance": 1.0,
    }


def test_a_bundle_comes_back_as_it_was_saved(tmp_path, arrays):
    full = arrays | {"X_test": arrays["X_train"], "y_test": arrays["y_train"], "noise": 0.5, "step": [0, 3, 9]}
    full |= {"loss_train": [3.0, 2.0, np.nan]}
    grokode.bundle.save(tmp_path / "b.npz", **full)
    loaded = grokode.bundle.load(tmp_path / "b.npz").arrays()
    assert loaded.keys() == full.keys()
    for name, value in full.items():
        assert np.array_equal(loaded[name], value, equal_nan=name == "loss_train")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_single_precision_and_fortran_order_are_computed_in_float64(arrays, dtype):
    rounded = {
        name: np.asarray(value, dtype=dtype).astype(float) if np.ndim(value) else value
        for name, value in arrays.items()
    }
    given = {
        name: np.asfortranarray(np.asarray(value, dtype=dtype)) if np.ndim(value) else value
        for name, value in arrays.items()
    }
    with warnings.catch_warnings():  # half precision labels disagree with the target: not what is tested here
        warnings.simplefilter("ignore", GrokodeWarning)
        plain, run = (grokode.run(Bundle(**some), steps=50) for some in (rounded, given))
    assert run.loss_train.dtype == np.float64
    assert np.array_equal(run.loss_train, plain.loss_train)


def test_a_bundle_owns_its_arrays(arrays):
    bundle = Bundle(**arrays)
    before = bundle.arrays()["W0"].copy()
    arrays["W0"][:] = 0
    assert np.array_equal(bundle.arrays()["W0"], before)


def test_the_default_optimizer_is_gradient_descent_at_the_steps_given(arrays):
    run = grokode.run(Bundle(**arrays, step=[0, 2, 7]))
    assert run.experiment.optimizer == "gradient_descent"
    assert run.step.tolist() == [0, 2, 7]
    flow = grokode.run(Bundle(**arrays, step=[0, 2, 7]), optimizer="gradient_flow")
    assert flow.step.tolist() == [0, 2, 7]


def test_an_exact_test_loss_needs_a_target_and_a_law(arrays):
    def losses(*left_out: str) -> set[str]:
        given = {name: value for name, value in arrays.items() if name not in left_out}
        return {name for name in grokode.run(Bundle(**given), steps=2).curves if name.startswith("loss_test")}

    assert losses() == {"loss_test_exact", "loss_test_exact_lazy"}
    assert losses("covariance") == losses("beta_star") == losses("covariance", "beta_star") == set()


def test_test_points_give_a_sample_test_loss(arrays):
    run = grokode.run(Bundle(**arrays, X_test=arrays["X_train"], y_test=arrays["y_train"]), steps=3)
    assert run.loss_test_sample == pytest.approx(run.loss_train, rel=1e-12)


def test_c_b_and_B_declare_the_target_of_beta_star(arrays):
    beta = arrays.pop("beta_star")
    declared = Bundle(**arrays, c=0.0, b=np.zeros(D), B=np.outer(beta, beta))
    same = grokode.run(Bundle(**arrays, beta_star=beta), steps=5)
    assert grokode.run(declared, steps=5).loss_test_exact == pytest.approx(same.loss_test_exact, rel=1e-12)


def test_labels_that_disagree_with_the_target_get_one_warning_and_no_exact_test_loss(arrays):
    bundle = Bundle(**(arrays | {"beta_star": arrays["beta_star"] + 1}))
    with pytest.warns(GrokodeWarning, match="no exact test loss") as caught:
        run = grokode.run(bundle, steps=2)
    assert len(caught) == 1
    assert "loss_test_exact" not in run.curves
    assert run.summary["test_loss"] is None


def test_declared_noise_explains_a_disagreement_of_its_size(arrays):
    noisy = arrays | {"y_train": arrays["y_train"] + 0.3 * np.random.default_rng(2).standard_normal(P)}
    assert "loss_test_exact" in grokode.run(Bundle(**noisy, noise=0.3), steps=2).curves
    with pytest.warns(GrokodeWarning):
        grokode.run(Bundle(**noisy, noise=0.03), steps=2)


def test_declared_noise_is_not_added_again(arrays):
    plain, noisy = (grokode.run(Bundle(**arrays, noise=noise), steps=3) for noise in (0.0, 0.4))
    assert np.array_equal(plain.loss_train, noisy.loss_train)


def test_what_is_missing_is_named_before_anything_is_written(tmp_path, arrays):
    arrays.pop("lr")
    with pytest.raises(InvalidInput, match="lr is missing"):
        grokode.bundle.save(tmp_path / "b.npz", **arrays)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_experiment_is_refused_rather_than_the_default_run():
    with pytest.raises(InvalidInput, match="cannot run a dict"):
        grokode.run({"alpha": 3})


def test_a_covariance_declared_outside_a_bundle_without_one_gives_an_exact_test_loss(arrays):
    own = grokode.run(Bundle(**arrays), steps=5)
    arrays.pop("covariance")
    declared = grokode.run(Bundle(**arrays), steps=5, covariance=1.0)
    assert np.array_equal(declared.loss_test_exact, own.loss_test_exact)


def test_a_bundles_own_covariance_wins_over_one_declared_outside(arrays):
    elsewhere = Gaussian.isotropic(D, 4.0)
    assert Bundle(**arrays).system(0, 0, elsewhere).tests["exact"].inputs.trace == D
    arrays.pop("covariance")
    assert Bundle(**arrays).system(0, 0, elsewhere).tests["exact"].inputs is elsewhere


@pytest.mark.parametrize(("steps", "kept"), [(1000, [0, 3, 40, 500, 1000]), (500, [0, 3, 40, 500])])
def test_an_end_of_ones_own_keeps_the_steps_of_the_bundle_up_to_it(arrays, steps, kept):
    run = grokode.run(Bundle(**arrays, step=[0, 3, 40, 500, 1000]), steps=steps)
    assert run.step.tolist() == kept
