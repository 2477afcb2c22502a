"""Experiments whose training does not close: trained readouts, and activations of a higher degree."""

import numpy as np
import pytest

import grokode
from grokode import Bundle, InvalidInput
from grokode.experiment.examine import problem
from grokode.experiment.exporting import export
from grokode.model.states.factor import FactorState
from grokode.model.states.neurons import NeuronState
from grokode.model.states.readouts import ReadoutState

SMALL = {"dim": 4, "n_train": 9, "n_test": 6, "width": 5, "alpha": 0.7, "eps": 0.3, "seed": 3, "points": 12}
DESCENT = {"optimizer": "gradient_descent", "dt": 0.01, "steps": 300}
KINDS = {
    "readouts": {"readouts": "trained"},
    "He_3": {"hermite": 3},
    "He_4, readouts": {"hermite": 4, "readouts": "trained", "eps": 0.05},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def hermite(k, h):
    return {0: (h**2, 2 * h), 3: (h**3 - 3 * h, 3 * h**2 - 3), 4: (h**4 - 6 * h**2 + 3, 4 * h**3 - 12 * h)}[k]


def trained(bundle, k, steps, momentum):
    """Losses of a network trained in plain NumPy from a bundle, its definition differentiated by hand."""
    X, y, W = bundle.X_train, bundle.y_train, np.array(bundle.W0)
    v, alpha, eps, N = np.ones(len(W)) if bundle.v0 is None else np.array(bundle.v0), bundle.alpha, bundle.eps, len(W)

    def f(W, v, X):
        h = X @ W.T
        return alpha / N * (h + eps / 2 * hermite(k, h)[0]) @ v

    f_0, f_0_test, v_0, W_0 = f(W, v, X), f(W, v, bundle.X_test), v, W
    losses, memory = [], (0.0, 0.0)
    for k_done in range(steps + 1):
        residual = f(W, v, X) - f_0 - y
        test = f(W, v, bundle.X_test) - f_0_test - bundle.y_test
        losses.append((np.mean(residual**2), np.mean(test**2)))
        if k_done == steps:
            break
        h = X @ W.T
        q, slope = hermite(k, h)
        pull = 2 * alpha / N / len(y) * residual[:, None]
        gradient = ((pull * v * (1 + eps / 2 * slope)).T @ X, np.sum(pull * (h + eps / 2 * q), axis=0))
        memory = tuple(momentum * u + g for u, g in zip(memory, gradient, strict=True))
        W = W - bundle.lr * memory[0]
        v = v - bundle.lr * memory[1] if bundle.v0 is not None else v
    moved = np.sum((W - W_0) ** 2) + np.sum((v - v_0) ** 2)
    size = np.sum(W_0**2) + (0 if bundle.v0 is None else np.sum(v_0**2))
    return np.array(losses), np.mean(np.sum(W**2, axis=1)), np.sqrt(moved / size)


@each_kind
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_run_is_what_plain_numpy_trains_from_its_own_bundle(kind, momentum):
    optimizer = {"optimizer": f"heavy_ball:momentum={momentum}"} if momentum else {}
    parameters = {**SMALL, **DESCENT, **KINDS[kind], **optimizer}
    run = grokode.run(**parameters)
    losses, square, change = trained(export(run), parameters.get("hermite", 0), 300, momentum)
    # 300 steps of some ten roundings each, on a loss that falls
    np.testing.assert_allclose(run.loss_train, losses[run.step, 0], rtol=1e-11)
    np.testing.assert_allclose(run.loss_test_sample, losses[run.step, 1], rtol=1e-11)
    assert run.mean_square_weight[-1] == pytest.approx(square, rel=1e-12)
    assert run.relative_change[-1] == pytest.approx(change, rel=1e-11)
    assert losses[-1, 0] < 0.8 * losses[0, 0]


@each_kind
def test_a_bundle_made_of_a_run_runs_to_the_same_curves(kind, tmp_path):
    run = grokode.run(**{**SMALL, **DESCENT, **KINDS[kind]})
    grokode.save(run, tmp_path / "run.npz")
    made = export(grokode.load(tmp_path / "run.npz"))
    grokode.bundle.save(tmp_path / "bundle.npz", made)
    again = grokode.run(grokode.bundle.load(tmp_path / "bundle.npz"))
    np.testing.assert_allclose(again.loss_train, run.loss_train, rtol=1e-11)
    grokode.save(again, tmp_path / "again.npz")
    np.testing.assert_array_equal(grokode.load(tmp_path / "again.npz").bundle.W0, made.W0)


@each_kind
def test_descent_in_small_steps_goes_to_the_flow(kind):
    """At order one: half of the step leaves half of the difference."""
    how = {**SMALL, **KINDS[kind], "times": [0.0, 0.5, 2.0], "points": None}
    flow = grokode.run(**how, optimizer="gradient_flow", rtol=1e-10).loss_train[-1]
    apart = [abs(grokode.run(**how, optimizer="gradient_descent", dt=dt).loss_train[-1] - flow) for dt in (2e-3, 1e-3)]
    assert np.log2(apart[0] / apart[1]) == pytest.approx(1, abs=0.05)


@each_kind
@pytest.mark.parametrize("solver", ["bdf", "ssv2stab", "radau", "rk45", "auto"])
def test_every_solver_keeps_the_promise(kind, solver, promised_error):
    how = {**SMALL, **KINDS[kind], "t_max": 20.0, "guard": False, "optimizer": "gradient_flow"}
    reference = grokode.run(**how, solver="lsoda", rtol=1e-10)
    run = grokode.run(**how, solver=solver)
    label = problem(**how).train.mean_square_label
    for name in ("loss_train", "loss_test_sample"):
        assert promised_error(getattr(run, name), getattr(reference, name), label) < 3e-3


# ---- what is drawn


def test_all_kinds_share_their_data_and_neurons_of_one_factor():
    fixed, readouts, he_3 = (problem(**SMALL, **kind) for kind in ({}, KINDS["readouts"], KINDS["He_3"]))
    assert [type(p.start) for p in (fixed, readouts, he_3)] == [FactorState, ReadoutState, NeuronState]
    for other in (readouts, he_3):
        np.testing.assert_array_equal(other.train.data.X, fixed.train.data.X)
        np.testing.assert_array_equal(other.train.data.y, fixed.train.data.y)
        np.testing.assert_allclose(other.start.hidden.T @ other.start.hidden, fixed.start.M, atol=1e-14)
    np.testing.assert_array_equal(readouts.start.hidden, he_3.start.hidden)


def test_readouts_are_standard_normal_and_shared_by_every_alpha():
    v = problem(dim=2, n_train=3, width=4000, readouts="trained").start.readouts
    assert abs(v.mean()) < 5 / np.sqrt(4000)
    assert abs(np.mean(v**2) - 1) < 5 * np.sqrt(2 / 4000)
    first, other = (problem(**{**SMALL, "alpha": alpha}, readouts="trained").start for alpha in (0.1, 10.0))
    np.testing.assert_array_equal(first.theta, other.theta)


def test_exact_losses_exist_where_f_and_target_are_quadratic():
    def tests_of(**parameters):
        return set(problem(**{**SMALL, **parameters}).tests)

    assert tests_of() == tests_of(readouts="trained") == tests_of(hermite=2) == {"exact", "sample"}
    assert tests_of(target="hermite:k=2") == {"exact", "sample"}
    for other in ({"hermite": 3}, {"hermite": 2, "readouts": "trained"}, {"target": "hermite:k=3"}):
        assert tests_of(**other) == {"sample"}
    assert tests_of(hermite=3, n_test=0) == set()


def test_curves_of_the_committee_machines_kernel_are_absent():
    run = grokode.run(**{**SMALL, **DESCENT, "lazy": True}, readouts="trained")
    assert not {"alignment_population", "kernel_norm_linear", "kernel_norm_quadratic"} & set(run.curves)
    assert {"alignment_centered_train", "alignment_sample_test", "kernel_drift"} <= set(run.curves)
    assert {
        "loss_train_lazy",
        "loss_test_exact_lazy",
        "loss_test_sample_lazy",
        "loss_test_exact",
        "variance_error",
        "relative_change",
        "M_eigenvalue_1",
    } <= set(run.curves)
    for name in ("t_train_status", "t_test_status"):
        assert run.summary[name] != "never"


# ---- bundles


def bundle_of(**changed):
    rng = np.random.default_rng(2)
    arrays = {
        "X_train": rng.standard_normal((9, 4)) / 2, "y_train": rng.standard_normal(9),
        "W0": rng.standard_normal((5, 4)), "alpha": 0.7, "eps": 0.3, "lr": 0.1, "centered": False,
    }  # fmt: skip
    return Bundle(**(arrays | changed))


def test_a_bundles_own_readouts_are_trained_from_its_own_neurons():
    v0 = np.arange(5.0)
    given = bundle_of(v0=v0)
    run = grokode.run(given, steps=5, keep_states=True)
    assert run.experiment.readouts == "trained"
    np.testing.assert_allclose(run.states[0].readouts, v0, rtol=1e-15)
    np.testing.assert_allclose(np.sqrt(5) * run.states[0].hidden, given.W0, rtol=1e-15)
    assert not np.allclose(run.states[-1].readouts, v0)


def test_a_bundles_activation_is_in_force_and_can_be_overridden():
    assert grokode.run(bundle_of(hermite=3), steps=5).experiment.hermite == 3
    assert grokode.run(bundle_of(hermite=3), steps=5, hermite=0).experiment.hermite == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"v0": np.ones(4)}, r"v0 must have shape \(5,\)"),
        ({"v0": np.ones((5, 1))}, "v0 must be a vector"),
        ({"hermite": 1}, "hermite must be 0 or a whole number, at least 2, got 1"),
        ({"hermite": 2.5}, "hermite must be 0 or a whole number, at least 2, got 2.5"),
    ],
)
def test_wrong_arrays_are_refused(changed, message):
    with pytest.raises(InvalidInput, match=message):
        bundle_of(**changed)


def test_trained_readouts_of_a_bundle_need_its_own():
    with pytest.raises(InvalidInput, match="--readouts trained contradicts the bundle"):
        grokode.run(bundle_of(), readouts="trained")


# ---- refusals


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"readouts": "trained", "width": float("inf"), "dt": 0.1},
            "with trained readouts every neuron is kept, got width = inf; give a finite --width",
        ),
        (
            {"hermite": 3, "width": float("inf"), "dt": 0.1},
            "Hermite.*every neuron is kept, got width = inf",
        ),
        ({"hermite": 3, "n_train": float("inf")}, "its loss over a whole law is not known; give a finite --n-train"),
        ({"target": "hermite:k=3", "n_train": float("inf")}, "known for quadratic targets; give a finite --n-train"),
        ({"readouts": "trained", "start": "interpolated:s=0.5"}, "use --start gaussian"),
        ({"hermite": 2, "start": "interpolated:s=0.5"}, "got the activation .*; use --start gaussian"),
        ({"target": "hermite:k=3", "start": "interpolated:s=0.5"}, "moves towards half a square"),
        ({"target": "hermite:k=2", "start": "interpolated:s=0.5"}, "must be half a square"),
        ({"hermite": 1}, "hermite must be 0, for the square, or the degree"),
        ({"readouts": "free"}, "readouts .*'fixed' or 'trained'"),
        ({"readouts": "trained", "solver": "log_bdf"}, "log_bdf"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(parameters, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        grokode.run(**{**SMALL, **parameters})
    assert "\n" not in str(caught.value)


def test_more_neurons_than_a_run_has_cannot_be_exported():
    run = grokode.run(**{**SMALL, **DESCENT}, readouts="trained")
    with pytest.raises(InvalidInput, match="5 real neurons, and no others train like them; got 9"):
        export(run, width=9)


# ---- the lazy regime


@each_kind
def test_far_in_the_lazy_regime_a_run_is_the_linearised_one(kind):
    """Apart by about 1/alpha, so at ten times the alpha by a tenth."""
    how = {**SMALL, **KINDS[kind], "times": [0.0, 1.0, 10.0], "points": None, "lazy": True, "rtol": 1e-9}
    names = ["loss_train", "loss_test_sample", *([] if "hermite" in KINDS[kind] else ["loss_test_exact"])]
    runs = [grokode.run(**{**how, "alpha": alpha}, optimizer="gradient_flow", solver="bdf") for alpha in (1e3, 1e4)]
    for name in names:
        apart = [np.max(np.abs(getattr(run, name) / getattr(run, f"{name}_lazy") - 1)) for run in runs]
        assert 1e-9 < apart[1] < 0.2 * apart[0] < 0.1


@each_kind
def test_a_report_on_the_kernel_is_that_of_its_matrix(kind):
    bound = problem(**{**SMALL, **KINDS[kind]})
    train, test = bound.train.data, bound.tests["sample"].data
    K = bound.start.kernel(bound.network, train.X, train.X)
    values = np.linalg.eigvalsh(K)[::-1]
    report = grokode.kernel(**{**SMALL, **KINDS[kind]})
    np.testing.assert_allclose(report.sample.eigenvalues, values / len(K), rtol=1e-9)
    assert report.sample.difficulty == pytest.approx(train.y @ np.linalg.solve(K, train.y), rel=1e-8)
    predicted = bound.start.kernel(bound.network, test.X, train.X) @ np.linalg.solve(K, train.y)
    assert report.regressions["ridgeless"].loss_sample == pytest.approx(np.mean((predicted - test.y) ** 2), rel=1e-8)
    assert report.spectrum is None
    aligned = train.y @ K @ train.y / (np.linalg.norm(K) * train.y @ train.y)
    assert report.alignments["alignment_sample_train"] == pytest.approx(aligned, rel=1e-12)
    assert not report.levels


def test_a_kernel_over_a_whole_law_is_that_of_committee_machines():
    with pytest.raises(InvalidInput, match="known on samples only; give a finite --n-train"):
        grokode.kernel(**{**SMALL, "n_train": float("inf")}, readouts="trained")


@pytest.mark.parametrize("changed", [{"hermite": 3}, {"target": "hermite:k=3"}])
def test_a_run_without_a_test_loss_says_so(changed):
    for n_test, expected in ((0, True), (5, False)):
        said = []
        grokode.run(dim=4, n_train=6, width=3, t_max=0.1, n_test=n_test, say=said.append, lazy=False, **changed)
        assert any("no test loss" in line and "--n-test" in line for line in said) == expected
