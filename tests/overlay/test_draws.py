"""Fresh draws: the same whatever is fitted, and nobody's own."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pytest

from grokode import InvalidInput
from grokode.engines.executor import WorkerLost
from grokode.engines.local import Local
from grokode.errors import EngineLost
from grokode.experiment.compose import composition_of
from grokode.experiment.systems import problem_of
from grokode.overlay.draws import drawn_theories
from grokode.overlay.log import TEST, TRAIN

STEPS = np.array([0, 1, 5, 20])
SMALL = {
    "dim": 4, "n_train": 7, "n_test": 5, "width": 5, "noise": 0.1, "optimizer": "gradient_descent", "dt": 0.2,
    "eps": 0.4, "steps": 20,
}  # fmt: skip


def drawn(draws=4, steps=STEPS, files=None, **flags):
    return drawn_theories(composition_of(None, SMALL | flags).experiment, files or {}, steps, draws)


def log_losses(theories):
    return np.log([[one.losses[TRAIN], one.losses[TEST]] for one in theories])


def test_equal_seeds_give_equal_draws_and_others_give_others():
    assert np.array_equal(log_losses(drawn()), log_losses(drawn()))
    starts = [log_losses(drawn(seed=seed))[:, 0, 0] for seed in (0, 1, 2)]
    assert len(np.unique(starts)) == 12


def test_fewer_draws_are_the_first_of_more():
    assert np.array_equal(log_losses(drawn(9))[:4], log_losses(drawn(4)))


def test_neither_alpha_nor_eps_nor_the_step_changes_what_is_drawn():
    """A centred network starts at the mean square of its labels, whatever it is."""
    start = log_losses(drawn())[:, 0, 0]
    assert np.array_equal(log_losses(drawn(alpha=3.0, eps=0.01, dt=0.05))[:, 0, 0], start)


def test_the_mean_over_draws_is_smooth_in_alpha():
    def mean(alpha):
        return log_losses(drawn(alpha=alpha))[:, :, 1:].mean(axis=0)

    slope = (mean(1 + 1e-4) - mean(1 - 1e-4)) / 2e-4
    errors = [np.linalg.norm((mean(1 + h) - mean(1)) / h - slope) for h in (4e-2, 2e-2, 1e-2)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert orders == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_draws_are_none_that_a_user_has_made_with_a_seed_of_their_own(seed):
    users = []
    for own in range(64):
        experiment = composition_of(None, SMALL | {"seed": own}).experiment
        problem = problem_of(experiment, None)
        users.append(problem.train.loss(problem.start.theta))
    found = np.exp(log_losses(drawn(64, STEPS[:1], seed=seed))[:, 0, 0])
    apart = np.abs(found[:, None] / np.array(users) - 1)
    assert apart.min() > 1e-9  # labels are continuous: only the same draw has the same loss
    # the two are of the same law: log losses of a start have one mean, to four standard errors
    difference = np.log(found).mean() - np.log(users).mean()
    assert abs(difference) < 4 * np.sqrt((np.log(found).var() + np.log(users).var()) / 64)


def test_arrays_that_an_experiment_names_by_path_are_those_given():
    with_files = drawn(covariance="there-is-no-such-file.npy", files={"there-is-no-such-file.npy": np.full(4, 0.25)})
    assert np.array_equal(log_losses(with_files), log_losses(drawn(covariance=0.25)))


def test_progress_counts_the_draws():
    seen = []
    drawn_theories(composition_of(None, SMALL).experiment, {}, STEPS, 4, seen.append)
    assert seen == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("draws", [1, 0, -3])
def test_fewer_than_two_draws_are_refused(draws):
    with pytest.raises(InvalidInput, match=f"at least 2.*{draws}"):
        drawn(draws)


def test_draws_are_the_same_to_the_bit_in_other_processes():
    """Whatever comes back first, they are in the order of their seeds."""
    experiment = composition_of(None, SMALL).experiment
    here = drawn_theories(experiment, {}, STEPS, 5)
    with Local(2).open() as executor:
        there = drawn_theories(experiment, {}, STEPS, 5, executor=executor)
    for one, other in zip(here, there, strict=True):
        assert one.losses.keys() == other.losses.keys()
        for name, values in one.losses.items():
            np.testing.assert_array_equal(values, other.losses[name])


def test_a_draw_that_takes_its_worker_with_it_ends_in_one_line():
    class Dying:
        slots = 1

        def submit(self, function, *arguments):
            future = Future()
            future.set_exception(WorkerLost("killed by signal 9"))
            return future

    with pytest.raises(EngineLost, match=r"a draw was lost with its worker: killed by signal 9; use fewer --workers"):
        drawn_theories(composition_of(None, SMALL).experiment, {}, STEPS, 2, executor=Dying())
