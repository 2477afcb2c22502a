"""Bundles: what is read is what was given, and what they declare is respected."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import pytest

import grokode
from grokode import Bundle, Gaussian, GrokodeWarning, InvalidInput, Network

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


def saved(path, **given) -> Bundle:
    grokode.bundle.save(path / "b.npz", **given)
    return grokode.bundle.load(path / "b.npz")


def scales(bundle) -> tuple:
    return bundle.loss_scale_train, bundle.loss_scale_test


def refused(path, said, *args, **given):
    """One line, and nothing is written."""
    with pytest.raises(InvalidInput, match=said) as caught:
        grokode.bundle.save(path / "b.npz", *args, **given)
    assert "\n" not in str(caught.value)
    assert list(path.iterdir()) == []


@pytest.mark.parametrize("without", [{}, {"lr": None}])
def test_what_is_missing_is_named_before_anything_is_written(tmp_path, arrays, without):
    arrays.pop("lr")
    refused(tmp_path, "lr is missing", **arrays, **without)


@pytest.mark.parametrize(
    ("name", "hint"), [("Xtrain", "'X_train'"), ("los", "'loss'"), ("outputscale", "'output_scale'")]
)
def test_a_misspelt_argument_is_named_with_its_nearest_right_one(tmp_path, arrays, name, hint):
    refused(tmp_path, f"no array '{name}'.*{hint}", **arrays, **{name: 1.0})


def test_a_bundle_given_whole_takes_nothing_beside_it(tmp_path, arrays):
    whole = Bundle(**arrays)
    refused(tmp_path, "a Bundle is whole", whole, half=True)
    refused(tmp_path, "a Bundle is whole", whole, noise=0.1)
    grokode.bundle.save(tmp_path / "b.npz", whole)
    assert grokode.bundle.load(tmp_path / "b.npz").arrays().keys() == whole.arrays().keys()


def test_a_convention_that_does_not_exist_is_refused(tmp_path, arrays):
    refused(tmp_path, "loss must be 'mean' or 'sum', got 'mse'", **arrays, loss="mse")


def test_initial_weights_with_one_column_a_neuron_are_refused_with_the_fix(tmp_path, arrays):
    refused(tmp_path, r"W0 of shape \(6, 4\).*pass W0\.T", **(arrays | {"W0": arrays["W0"].T}))


def test_labels_in_a_column_are_labels(tmp_path, arrays):
    tests = {"X_test": arrays["X_train"], "y_test": arrays["y_train"][:, None]}
    columns = saved(tmp_path, **(arrays | tests | {"y_train": arrays["y_train"][:, None]}))
    assert np.array_equal(columns.y_train, arrays["y_train"])
    assert np.array_equal(columns.y_test, arrays["y_train"])


@pytest.mark.parametrize("shape", [(1, P), (P, 2), (P, 1, 1)])
def test_labels_of_any_other_shape_are_refused(tmp_path, arrays, shape):
    refused(tmp_path, "y_train must be a vector", **(arrays | {"y_train": np.ones(shape)}))


class Tensor:
    """Stands in for an array of another package: converts by itself, or says why not."""

    def __init__(self, values, problem=None):
        self.values, self.problem = values, problem

    def __array__(self, dtype=None, copy=None):
        if self.problem:
            raise self.problem
        return np.array(self.values, dtype=dtype)


class Torch(Tensor):
    def detach(self):
        raise AssertionError("what a user did not ask for")


def test_arrays_of_other_packages_are_taken(tmp_path, arrays):
    foreign = {name: value if name == "centered" else Torch(value) for name, value in arrays.items()}
    bundle = saved(tmp_path, **foreign)
    for name, value in arrays.items():
        assert np.array_equal(bundle.arrays()[name], value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Torch(0, RuntimeError("Can't call numpy() on Tensor\nthat requires grad.")),
         r"W0 cannot be read .*on Tensor that requires grad.*W0\.detach\(\)\.cpu\(\)\.numpy\(\)"),
        (Tensor(0, TypeError("can't convert cuda:0 device type tensor to numpy")), "W0 cannot be read .*cuda.*NumPy"),
        ([[1.0, 2.0], [3.0]], "W0 cannot be read .*inhomogeneous.*NumPy array"),
        (object(), "W0 must hold real numbers, got dtype object"),
        (lambda: None, "W0 must hold real numbers, got dtype object"),
    ],
    ids=["grad", "device", "ragged", "object", "function"],
)  # fmt: skip
def test_what_is_no_array_is_one_line_with_the_fix(tmp_path, arrays, value, said):
    refused(tmp_path, said, **(arrays | {"W0": value}))


# ---- conventions; tests/test_convention.py trains in each of them


def test_without_a_convention_nothing_is_changed(tmp_path, arrays):
    bundle = saved(tmp_path, **arrays)
    assert bundle.arrays().keys() == arrays.keys()
    assert scales(bundle) == (None, None)


FORMS = [
    {"covariance": 2.0},
    {"covariance": np.arange(1.0, D + 1)},
    {"covariance": np.diag(np.arange(1.0, D + 1)) + 0.1},
    {"covariance": 1.0, "beta_star": None, "c": 0.3, "b": np.arange(D) - 1.0, "B": np.eye(D) + 0.2},
    {"covariance": 1.0, "beta_star": None, "c": 0.0, "b": np.zeros(D), "B": 2 * np.eye(D), "directions": np.eye(D)[:2]},
]


@pytest.mark.parametrize("form", FORMS, ids=["scalar", "vector", "matrix", "c, b, B", "directions"])
def test_a_law_and_a_target_of_unscaled_inputs_are_those_of_the_scaled_ones(tmp_path, arrays, form):
    """What is declared of x says the same of x / sqrt(D): labels agree, points of one law are of the other."""
    given = {name: value for name, value in (arrays | form).items() if value is not None}
    theirs = Bundle(**given)
    ours = saved(tmp_path, **given, input_scale="1/sqrt(D)")
    X = np.random.default_rng(5).standard_normal((7, D))
    assert ours.X_train == pytest.approx(theirs.X_train / np.sqrt(D), rel=1e-15)
    assert ours.target()(X / np.sqrt(D)) == pytest.approx(theirs.target()(X), rel=1e-13)
    assert ours.inputs().matrix == pytest.approx(theirs.inputs().matrix / D, rel=1e-15)
    for name in {"beta_star", "directions"} & given.keys():
        assert ours.arrays()[name] == pytest.approx(given[name] * np.sqrt(D), rel=1e-15)
    assert np.array_equal(ours.W0, theirs.W0)
    assert ours.lr == theirs.lr


def test_logged_losses_stay_as_they_are_and_the_bundle_says_what_they_hold(tmp_path, arrays):
    logs = {"step": [0, 1], "loss_train": [8.0, 4.0], "loss_test": [2.0, 1.0]}
    tests = {"X_test": np.ones((5, D)), "y_test": np.ones(5)}
    bundle = saved(tmp_path, **arrays, **logs, **tests, loss="sum", half=True)
    assert scales(bundle) == (P / 2, 5 / 2)
    assert bundle.loss_train.tolist() == [8.0, 4.0]
    assert bundle.loss_test.tolist() == [2.0, 1.0]


def test_a_log_of_another_loss_than_the_one_trained_on_says_so_itself(tmp_path, arrays):
    bundle = saved(tmp_path, **arrays, half=True, loss_scale_train=1.0)
    assert scales(bundle) == (1.0, 0.5)
    assert bundle.lr == arrays["lr"] / 2


def test_a_sum_over_test_points_that_are_not_given_is_refused(tmp_path, arrays):
    refused(tmp_path, "loss_scale_test", **arrays, loss="sum")
    assert scales(saved(tmp_path, **arrays, loss="sum", loss_scale_test=30)) == (P, 30)
    arrays.pop("covariance")
    assert scales(saved(tmp_path, **arrays, loss="sum")) == (P, None)


@pytest.mark.parametrize("name", ["loss_scale_train", "loss_scale_test"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, [1.0, 2.0]])
def test_a_scale_of_logs_is_one_positive_number(tmp_path, arrays, name, value):
    refused(tmp_path, f"{name} must be", **arrays, **{name: value})


def test_a_saved_run_keeps_the_scales_of_its_bundle(tmp_path, arrays):
    run = grokode.run(saved(tmp_path, **arrays, half=True), steps=2, lazy=False)
    grokode.save(run, tmp_path / "run.npz")
    assert scales(grokode.load(tmp_path / "run.npz").bundle) == (0.5, 0.5)


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
    assert Bundle(**arrays).system(0, 0, elsewhere, Network(alpha=0.7, eps=0.2)).tests["exact"].inputs.trace == D
    arrays.pop("covariance")
    assert Bundle(**arrays).system(0, 0, elsewhere, Network(alpha=0.7, eps=0.2)).tests["exact"].inputs is elsewhere


@pytest.mark.parametrize(("steps", "kept"), [(1000, [0, 3, 40, 500, 1000]), (500, [0, 3, 40, 500])])
def test_an_end_of_ones_own_keeps_the_steps_of_the_bundle_up_to_it(arrays, steps, kept):
    run = grokode.run(Bundle(**arrays, step=[0, 3, 40, 500, 1000]), steps=steps)
    assert run.step.tolist() == kept


def test_an_array_with_a_damaged_header_is_refused_in_one_line(tmp_path):
    content = io.BytesIO()
    np.save(content, np.arange(20.0))
    whole = content.getvalue()
    for cut in range(10, 60):  # in the text of the header: what is there, moved and repeated
        with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
            archive.writestr("alpha.npy", whole[: cut + 30] + whole[cut:])
        with pytest.raises(grokode.InvalidInput, match=r"^(cannot read )?bundle [^\n]*$"):
            grokode.bundle.load(tmp_path / "bad.npz")


def test_a_small_file_of_huge_arrays_is_refused_before_it_is_read(arrays, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "zeros.npz", **arrays, loss_train=np.zeros(2_000_000))
    assert (tmp_path / "zeros.npz").stat().st_size < 100_000
    monkeypatch.setattr("grokode.memory.free_memory", lambda: 1e7)
    with pytest.raises(InvalidInput, match=r"^bundle .*zeros.npz needs about 0.0149 GiB and 0.00931 GiB are free"):
        grokode.bundle.load(tmp_path / "zeros.npz")
