"""The choice of order and step, by the errors it is told."""

import math

import pytest

from grokode.dynamics.solvers.log_bdf.controller import Controller
from grokode.dynamics.solvers.log_bdf.differences import MAX_ORDER


def test_the_order_whose_steps_can_be_longest_wins():
    controller = Controller(order=2)
    # longest possible factors: 0.25^(-1/2) = 2, 0.001^(-1/3) = 10, 0.1^(-1/4) = 1.8
    assert controller.choose({1: 0.25, 2: 0.001, 3: 0.1})[0] == 2
    assert controller.choose({1: 0.25, 2: 0.1, 3: 1e-6})[0] == 3


def test_a_step_aims_below_the_tolerance():
    """Errors of order k go as h^(k+1); with a rising error 0.8 of the longest step is taken."""
    controller = Controller(order=2)
    controller.choose({2: 1e-4})
    order, factor = controller.choose({2: 0.02})
    assert (order, factor) == (2, pytest.approx(0.8 * 0.02 ** (-1 / 3)))


def test_small_changes_are_not_made():
    controller = Controller(order=3)
    assert controller.choose({3: 0.4}) == (3, 1.0)


def test_a_failed_step_is_shortened_by_its_error():
    assert Controller(order=1).shorter(4.0) == pytest.approx(0.8 / 2)
    assert Controller(order=1).shorter(1e9) == Controller(order=1).shorter(math.inf) == 0.2


def test_nothing_is_reconsidered_before_enough_equal_steps():
    controller = Controller(order=3)
    due = []
    for _ in range(4):
        controller.accepted()
        due.append(controller.due)
    assert due == [False, False, False, True]
    controller.changed(3)
    assert not controller.due


def test_neighbors_are_considered_within_the_orders_there_are():
    assert list(Controller(order=1).candidates()) == [1, 2]
    assert list(Controller(order=MAX_ORDER).candidates()) == [MAX_ORDER - 1, MAX_ORDER]
