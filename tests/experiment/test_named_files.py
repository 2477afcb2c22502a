"""Arrays that an experiment names by path travel with its saved run."""

import numpy as np
import pytest

import grokode

SHORT = {"dim": 4, "n_train": 6, "width": 5, "t_max": 10.0, "points": 5}


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    """A covariance and a target in files of the present folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    S, B = rng.standard_normal((2, 4, 4))
    np.save("S.npy", S @ S.T / 4)
    np.save("B.npy", B + B.T)
    return {"covariance": "S.npy", "target": "file:path=B.npy"}


def test_a_saved_run_is_made_again_without_the_files_it_named(arrays, tmp_path):
    run = grokode.run(**SHORT, **arrays)
    grokode.save(run, "run.npz")
    for name in ("S.npy", "B.npy"):
        (tmp_path / name).unlink()
    saved = grokode.load("run.npz")
    from grokode.experiment.compose import compose
    from grokode.experiment.simulate import simulate

    composition = compose({}, saved=saved)
    again = simulate(composition.experiment, composition.bundle, composition.files)
    np.testing.assert_array_equal(again.loss_test_exact, run.loss_test_exact)


def test_a_path_given_anew_is_read(arrays):
    run = grokode.run(**SHORT, **arrays)
    grokode.save(run, "run.npz")
    np.save("other.npy", np.eye(4))
    from grokode.experiment.compose import compose
    from grokode.experiment.simulate import simulate

    composition = compose({"covariance": "other.npy"}, saved=grokode.load("run.npz"))
    again = simulate(composition.experiment, composition.bundle, composition.files)
    assert not np.allclose(again.loss_test_exact, run.loss_test_exact)


def test_a_covariance_that_the_inputs_cannot_have_is_warned_of():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5)) / np.sqrt(5)
    beta = rng.standard_normal(5)
    arrays = {
        "X_train": X,
        "y_train": (X @ beta) ** 2 / 2,
        "W0": rng.standard_normal((6, 5)),
        "alpha": 1.0,
        "eps": 0.25,
        "lr": 1.0,
        "centered": True,
        "beta_star": beta,
    }
    with pytest.warns(grokode.GrokodeWarning, match="declared covariance"):
        grokode.run(grokode.Bundle(**arrays, covariance=1.0), steps=5)
    grokode.run(grokode.Bundle(**arrays, covariance=0.2), steps=5)  # the true one: no warning, which is an error here


def test_a_descent_that_ends_far_above_its_start_is_warned_of():
    with pytest.warns(grokode.GrokodeWarning, match="lower --lr"):
        grokode.run(dim=5, n_train=8, width=500, optimizer="gradient_descent", lr=2000.0, steps=3)
