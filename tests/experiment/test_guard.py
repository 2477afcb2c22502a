"""The guard against saddles: what it lets pass, tightens, or labels."""

import time
import warnings

import numpy as np
import pytest

import grokode
from grokode.errors import SolverFailed
from grokode.experiment import simulate
from grokode.experiment.guard import DIRECTIONS, FLAG, NEARBY, PROMISE, ROUNDING, Verdict, distance, examine

FLOORS = np.ones(1)
TRUTH = np.linspace(1.0, 0.5, 5)[:, None]


def runs(error, sensitivity):
    """Runs whose losses miss the truth by error(rtol), and move with the weights by a sensitivity."""

    def losses(rtol, part, direction):
        return TRUTH * (1 + error(rtol) + sensitivity * part * (direction + 1))

    return losses


def test_an_ordinary_run_passes_after_one_other():
    asked = []

    def losses(rtol, part, direction):
        asked.append((rtol, part))
        return runs(lambda rtol: rtol, 1.0)(rtol, part, direction)

    verdict = examine(losses(1e-6, 0.0, 0), losses, FLOORS, 1e-6)
    assert (verdict.rtol, verdict.ill_conditioned) == (1e-6, False)
    assert asked[1:] == [(pytest.approx(1e-7), NEARBY)]
    assert verdict.summary() == {"ill_conditioned": False, "amplification": None}


def test_an_inaccurate_run_is_tightened_until_two_agree():
    losses = runs(lambda rtol: 2e3 * rtol, 1.0)
    verdict = examine(losses(1e-6, 0.0, 0), losses, FLOORS, 1e-6)
    assert verdict.rtol == pytest.approx(1e-8)  # 2e-3 and 2e-4 differ by more than the flag, 2e-4 and 2e-5 do not
    assert not verdict.ill_conditioned


def test_what_rounding_decides_is_ill_conditioned_and_says_how_much():
    losses = runs(lambda rtol: 0.0, 1e10)
    verdict = examine(TRUTH, losses, FLOORS, 1e-6)
    assert verdict.ill_conditioned
    assert verdict.amplification == pytest.approx(DIRECTIONS * 1e10, rel=1e-3)  # the largest over directions
    assert f"{DIRECTIONS * 1e10 * ROUNDING:.2g}" in str(verdict)


@pytest.mark.parametrize("amplification", [0.5 * PROMISE / ROUNDING / DIRECTIONS, 2 * PROMISE / ROUNDING])
def test_the_line_is_what_is_promised(amplification):
    verdict = examine(TRUTH, runs(lambda rtol: 0.0, amplification), FLOORS, 1e-6)
    assert verdict.ill_conditioned == (amplification > PROMISE / ROUNDING)


def test_runs_that_never_agree_are_ill_conditioned():
    verdict = examine(TRUTH, runs(lambda rtol: 0.01 * np.log10(rtol), 0.0), FLOORS, 1e-6)
    assert verdict.ill_conditioned
    assert str(verdict).startswith("no two tolerances down to 1e-10 agree")


def test_a_solver_that_gives_up_ends_the_tightening_without_agreement():
    failed = []

    def losses(rtol, part, direction):
        if rtol < 5e-8 and not part:
            failed.append(rtol)
            raise SolverFailed("enough")
        return runs(lambda rtol: 5e3 * rtol, 1.0)(rtol, part, direction)

    verdict = examine(losses(1e-6, 0.0, 0), losses, FLOORS, 1e-6)
    assert failed == [pytest.approx(1e-8)]
    assert verdict.rtol == pytest.approx(1e-7)
    assert not verdict.agreed
    assert "no two tolerances down to 1e-07 agree" in str(verdict)


@pytest.mark.parametrize(("amplification", "ill"), [(1e7, False), (1e10, True)])
def test_the_tightest_tolerance_is_judged_by_moved_weights_alone(amplification, ill):
    losses = runs(lambda rtol: 0.0, amplification)
    moved = runs(lambda rtol: 0.0, amplification)(1e-10, NEARBY, 0) * 1.01  # what is found first is suspicious
    verdict = examine(TRUTH, lambda *asked: moved if asked[1] == NEARBY else losses(*asked), FLOORS, 1e-10)
    assert (verdict.rtol, verdict.agreed, verdict.ill_conditioned) == (1e-10, True, ill)


def test_the_distance_is_the_promised_error():
    """Relative, with a floor of a thousandth of the smaller of L(0) and the labels."""
    reference = np.array([[1.0, 2.0], [1e-6, 1.0]])
    moved = reference + np.array([[0.0, 0.0], [1e-5, 0.01]])
    assert distance(moved, reference, np.array([0.5, 2.0])) == pytest.approx(1e-5 / 5e-4)
    assert distance(reference, reference, np.zeros(2)) == 0
    assert FLAG < PROMISE


# ---- through the front door


def mirrored(seed, dim=3, pairs=8, width=3, alpha=0.72, eps=0.22):
    """Data mirrored across the target's direction, and weights orthogonal to it."""
    rng = np.random.default_rng(seed)
    beta = rng.standard_normal(dim)
    across = beta / np.linalg.norm(beta)
    X, W = rng.standard_normal((pairs, dim)) / np.sqrt(dim), rng.standard_normal((width, dim))
    X = np.vstack([X, X - 2 * np.outer(X @ across, across)])
    W0 = W - np.outer(W @ across, across)
    numbers = {"alpha": alpha, "eps": eps, "lr": 1.0, "centered": False}
    return grokode.Bundle(X_train=X, y_train=(X @ beta) ** 2 / 2, W0=W0, **numbers)


SADDLE = {"optimizer": "gradient_flow", "t_max": 1e5, "points": 40}


@pytest.fixture(scope="module")
def labelled():
    """A run at a saddle."""
    bundle = mirrored(0)
    with pytest.warns(grokode.GrokodeWarning, match="ill-conditioned: a change of the initial weights by 1e-12"):
        return bundle, grokode.run(bundle, **SADDLE)


def test_a_saddle_is_labelled_in_summary_table_and_picture(labelled):
    _, run = labelled
    assert run.ill_conditioned
    assert run.summary["amplification"] > PROMISE / ROUNDING
    assert dict(run.rows())["ill-conditioned"].startswith("yes")
    title = grokode.plot.picture(run).axes[0].get_title(loc="left")
    assert title.startswith("ill-conditioned, not to be trusted: changes of the start are amplified")


def test_another_solver_finds_the_same_saddle(labelled):
    """LSODA at 1e-10, from weights moved by a rounding error and not: two different curves."""
    bundle, _ = labelled
    tight = {**SADDLE, "solver": "lsoda", "rtol": 1e-10, "guard": False, "lazy": False}
    arrays = bundle.arrays()
    moved = arrays["W0"] * (1 + 1e-12 * np.random.default_rng(1).standard_normal(arrays["W0"].shape))
    moved += 1e-12 * np.random.default_rng(2).standard_normal(moved.shape)
    still = grokode.run(bundle, **tight).loss_train
    other = grokode.run(
        grokode.Bundle(X_train=arrays["X_train"], y_train=arrays["y_train"], W0=moved, alpha=0.72, eps=0.22, lr=1.0,
                       centered=False),
        **tight,
    ).loss_train  # fmt: skip
    assert distance(other[:, None], still[:, None], still[:1]) > PROMISE


def test_descent_is_measured_where_it_is_asked_for(labelled):
    """A map has no tolerance: only its weights are moved."""
    bundle, _ = labelled
    descent = {"dt": 1.0, "steps": 30_000, "points": 20, "lazy": False}
    with pytest.warns(grokode.GrokodeWarning, match="ill-conditioned"):
        run = grokode.run(bundle, optimizer="gradient_descent", guard=True, **descent)
    assert run.ill_conditioned
    assert "rtol" not in run.summary
    ordinary = {"dim": 5, "n_train": 8, "width": 3, "optimizer": "gradient_descent", **descent}
    assert grokode.run(**ordinary, guard=True).summary["ill_conditioned"] is False
    assert "ill_conditioned" not in grokode.run(**ordinary).summary


def test_an_ordinary_run_says_that_it_is_not_ill_conditioned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = grokode.run(dim=8, n_train=20, width=10, t_max=1e3)
    assert run.summary["ill_conditioned"] is False
    assert run.summary["rtol"] == 1e-6


def test_few_neurons_are_guarded_and_large_runs_are_not_unless_asked():
    large = {"dim": 60, "n_train": 300, "width": 100, "t_max": 10.0, "points": 5, "lazy": False}
    assert "ill_conditioned" not in grokode.run(**large).summary
    assert grokode.run(**large, guard=True).summary["ill_conditioned"] is False
    assert "ill_conditioned" in grokode.run(**{**large, "width": 3}).summary
    assert "ill_conditioned" not in grokode.run(**{**large, "width": 3}, guard=False).summary


def test_a_map_that_stopped_between_saved_steps_is_compared_where_it_stopped():
    run = grokode.run(
        dim=5, n_train=40, width=10, eps=0.5, optimizer="gradient_descent", dt=0.5, steps=20000, points=20,
        until="resolved", guard=True, threshold="0.01",
    )  # fmt: skip
    assert run.status == "stopped"
    assert run.summary["ill_conditioned"] is False


def test_a_failure_beside_a_run_costs_the_verdict_and_not_the_run(monkeypatch):
    def failing(*_):
        raise SolverFailed("enough")

    monkeypatch.setattr(simulate, "examine", failing)
    with pytest.warns(grokode.GrokodeWarning, match="not looked at twice: a run beside this one failed .enough."):
        run = grokode.run(dim=8, n_train=20, width=10, t_max=1e3)
    assert run.status == "done"
    assert "ill_conditioned" not in run.summary


def test_a_whole_run_is_not_given_up_for_one_that_time_cuts_short(monkeypatch):
    def slow(plain, losses, floors, rtol):
        time.sleep(3)
        return Verdict(1e-8, 0.0)

    monkeypatch.setattr(simulate, "examine", slow)
    run = grokode.run(dim=8, n_train=20, width=10, t_max=1e3, points=12, time_limit=2.5)
    assert (run.status, len(run.t)) == ("done", 12)
    assert "rtol" not in run.summary


def test_a_run_out_of_time_is_not_judged():
    run = grokode.run(dim=8, n_train=20, width=10, t_max=1e3, time_limit=1e-9)
    assert run.status == "time_limit"
    assert "ill_conditioned" not in run.summary


@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_a_start_that_solves_the_task_is_not_at_a_saddle(alpha):
    start = {"start": "interpolated:s=1", "centered": False, "width": 2}
    run = grokode.run(dim=10, n_train=30, alpha=alpha, t_max=100, points=20, **start)
    assert run.loss_train[0] < 1e-20  # what is left is rounding, and moved weights move it without end
    assert run.summary["ill_conditioned"] is False
