"""Flows beside real neurons whose steps are extrapolated to nothing."""

import numpy as np
import pytest
from grokode_validate.flows import FLOWS, PROMISE, STEPPED, extrapolated, flow_cases
from grokode_validate.report import validate


def test_extrapolation_is_exact_for_polynomials_and_says_what_it_changed():
    sizes = 0.3 / 2.0 ** np.arange(4)
    values = [np.array([2.0 + h - 3 * h**2 + 5 * h**3, 7.0]) for h in sizes]
    limit, error = extrapolated(values, 1)
    np.testing.assert_allclose(limit, [2.0, 7.0], rtol=1e-14)
    np.testing.assert_allclose(extrapolated(values[:3], 1)[0], limit, atol=5 * 0.3**3 / 8)
    assert 0 < abs(error[0]) < 5 * 0.3**3
    assert error[1] == 0


def test_extrapolation_from_a_higher_power_needs_one_value_less():
    values = [np.array([2.0 - 3 * h**2 + 5 * h**3]) for h in 0.3 / 2.0 ** np.arange(3)]
    np.testing.assert_allclose(extrapolated(values, 2)[0], [2.0], rtol=1e-14)
    assert abs(extrapolated(values, 1)[0][0] - 2) > 1e-3


def test_extrapolation_finds_the_exponential_that_eulers_method_goes_to():
    values = [np.array([(1 - 1 / n) ** n]) for n in (8, 16, 32, 64, 128)]
    limit, error = extrapolated(values, 1)
    assert abs(limit[0] - np.exp(-1)) < abs(error[0]) < 1e-7


@pytest.mark.parametrize("case", flow_cases(full=False)[1:3], ids=lambda case: case.name)
def test_real_neurons_keep_the_promise_of_the_flow(case):
    report = validate([case])
    assert report.ok, report.misses
    margins = report.cases[0].margins
    # of every loss a promise, a tight comparison, and the reference's own error; of M the last two
    assert len(margins) == 3 * 3 + 2
    assert margins["loss_train"].tolerance / margins["loss_train (rtol 1e-9)"].tolerance > 100


def test_full_flows_go_further_and_every_one_through_all_set_ups():
    quick, full = flow_cases(full=False), flow_cases(full=True)
    assert {case.name for case in quick} < {case.name for case in full}
    assert {case.optimizer for case in quick} == set(STEPPED)
    assert len(full) == len(STEPPED) * len(FLOWS)
    assert min(case.steps[-1] for case in full) > max(case.steps[-1] for case in quick)
    assert any("inf" in str(changed.get("n_train")) for changed in FLOWS.values())
    assert PROMISE == 3e-3  # what the README says
