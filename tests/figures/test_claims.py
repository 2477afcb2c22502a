"""Claims: what each of them asks of a draw, and how answers are counted."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.engines.serial import SerialExecutor
from grokode.errors import InvalidInput
from grokode.figures import FIGURES
from grokode.figures.claims import (
    Way,
    aligned_removes,
    claims,
    collapses,
    delayed,
    goldilocks,
    grows,
    learned_with_more,
    linear_rise,
    little_delay,
    norm_rises,
)
from grokode.figures.make import Made
from grokode.figures.measured import COLUMNS, Draw, Measured, Result, answers, measure, result_of
from grokode.figures.page import page_of


def run(t_train=None, t_test=None, **curves):
    """What the claims look at of a run."""
    arrays = {name: np.array(values, dtype=float) for name, values in curves.items()}
    return SimpleNamespace(
        summary={"t_train": t_train, "t_test": t_test},
        curves={name: SimpleNamespace(values=values) for name, values in arrays.items()},
        t=np.arange(1.0, 1 + max([len(values) for values in arrays.values()] or [1])),
    )


def of(*runs):
    return dict(zip("abc", runs, strict=False))


@pytest.mark.parametrize(
    ("holds", "runs", "expected"),
    [
        (grows, of(run(1, 2), run(1, 3), run(1, 9)), True),
        (grows, of(run(1, 2), run(1, 3), run(1)), True),  # the last is beyond the end: longer than all
        (grows, of(run(1, 2), run(1), run(1)), None),
        (grows, of(run(1), run(1), run(1, 9)), False),  # two are untold, but the last is not longer
        (grows, of(run(1), run(1, 3), run(1)), False),
        (grows, of(run(1, 200), run(1, 201), run(1, 400)), False),  # no longer than crossings are right to
        (grows, of(run(1, 5), run(1, 3), run(1, 9)), False),
        (grows, of(run(), run(1, 3), run(1, 9)), None),
        (little_delay, of(run(10, 19)), True),
        (little_delay, of(run(10, 21)), False),
        (little_delay, of(run(10)), False),
        (delayed, of(run(10, 21)), True),
        (delayed, of(run(10)), False),
        (delayed, of(run()), None),
        (goldilocks, {"few": run(1), "between": run(1, 9), "many": run(1, 2)}, True),
        (goldilocks, {"few": run(1, 20), "between": run(1, 9), "many": run(1, 2)}, False),
        (goldilocks, {"few": run(1), "between": run(1), "many": run(1, 2)}, False),
        (goldilocks, {"few": run(1), "between": run(1, 2), "many": run(1, 2)}, False),
        (goldilocks, {"few": run(), "between": run(1, 9), "many": run(1, 2)}, None),
        (linear_rise, of(run(loss_test_exact=[1, 1.2, 0.3], linear_power=[0, 0.15, 0])), True),
        (linear_rise, of(run(loss_test_exact=[1, 1.2, 0.3], linear_power=[0, 0.05, 0])), False),
        (linear_rise, of(run(loss_test_exact=[1, 1.2, 1.1], linear_power=[0, 0.15, 0])), None),
        (linear_rise, of(run(loss_test_exact=[1, 1.1, 1.2], linear_power=[0, 0.15, 0.2])), None),
        (linear_rise, of(run(loss_test_exact=[1, 1.04, 0.3], linear_power=[0, 1, 0])), None),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 2]), "aligned": run(loss_test_exact=[1, 0.5])}, True),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 2]), "aligned": run(loss_test_exact=[1, 1.1])}, False),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 1]), "aligned": run(loss_test_exact=[1, 1])}, None),
        (norm_rises, of(run(1, 3, mean_square_weight=[1, 2, 3])), True),
        (norm_rises, of(run(1, 3, mean_square_weight=[3, 2, 1])), False),
        (norm_rises, of(run(1, None, mean_square_weight=[3, 2, 1])), None),
        (learned_with_more, {"few": run(1), "many": run(1, 2)}, True),
        (learned_with_more, {"few": run(1, 3), "many": run(1, 2)}, False),
        (learned_with_more, {"few": run(1), "many": run(1)}, False),
        (collapses, of(run(relative_change=[0, 1]), run(relative_change=[0, 1.15])), True),
        (collapses, of(run(relative_change=[0, 1]), run(relative_change=[0, 0.79])), False),
        (collapses, of(run(relative_change=[0, 0.79]), run(relative_change=[0, 1])), False),
    ],
)
def test_an_answer_is_what_the_sentence_says(holds, runs, expected):
    assert holds(runs) is expected


def test_draws_that_do_not_tell_are_counted_apart():
    found = Measured.of([True, None, False, True])
    assert (found.held, found.told, found.draws, found.fraction) == (2, 3, 4, pytest.approx(2 / 3))
    assert str(found).startswith("2 of 3 that tell, of 4 [")
    assert str(Measured.of([True, "diverged"])) == "1 of 1 that tell, of 2 [0.21, 1.00], 1 failed"
    nothing = Measured.of([None, None])
    assert math.isnan(nothing.fraction)
    assert nothing.interval == (0.0, 1.0)
    assert str(nothing) == "no draw of 2 tells"


def test_the_interval_is_a_binomial_one():
    """Wilson (1927): where (p - held / told)^2 = z^2 p (1 - p) / told, with z of 95 %."""
    for held, told in ((0, 20), (3, 20), (20, 20), (57, 100)):
        for p in Measured(held=held, told=told, draws=told).interval:
            assert (p - held / told) ** 2 == pytest.approx(norm.ppf(0.975) ** 2 * p * (1 - p) / told, abs=1e-12)
    assert Measured(held=3, told=20, draws=20).interval == pytest.approx((0.052, 0.360), abs=1e-3)


@pytest.mark.parametrize("name", claims())
def test_a_claim_has_a_figure_a_sentence_and_a_control(name):
    claim = claims()[name]
    assert claim.figure in FIGURES
    assert claim.sentence
    assert claim.without
    cases, control = claim.experiments(Way.FLOW), claim.experiments(Way.CONTROL)
    assert cases.keys() == control.keys()
    assert cases != control
    for one in (*cases.values(), *control.values()):
        assert not OPTIMIZERS.build(one.optimizer).steps or claim.flow == claim.descent


@pytest.mark.parametrize("name", claims())
def test_descent_differs_from_what_is_measured_in_the_optimizer_alone(name):
    claim = claims()[name]
    for flow, descent in zip(
        claim.experiments(Way.FLOW).values(), claim.experiments(Way.DESCENT).values(), strict=True
    ):
        assert descent.optimizer.partition(":")[0] in ("gradient_descent", "midpoint_flow", "heavy_ball")
        assert descent.model_copy(update={"optimizer": flow.optimizer}) == flow


def test_what_a_claim_shares_with_its_control_is_run_once(monkeypatch):
    seen = []
    monkeypatch.setattr("grokode.figures.measured.run_task", lambda task: seen.append(task) or "failed")
    found = answers(Draw("alignment removes the rise", 3, (Way.FLOW, Way.CONTROL)))
    assert found == {Way.FLOW: "failed", Way.CONTROL: "failed"}  # a run that fails tells nothing but why
    assert len(seen) == 2
    assert all(task.experiment.seed == 3 for task in seen)


def test_descent_is_counted_where_it_answers_alike():
    claim = claims()["goldilocks, P 250"]
    both = {Way.FLOW: True, Way.CONTROL: False}
    neither = {Way.FLOW: None, Way.CONTROL: False, Way.DESCENT: None}
    found = [both | {Way.DESCENT: True}, both | {Way.DESCENT: False}, both | {Way.DESCENT: None}, neither, both]
    result = result_of(claim, found)
    assert (result.alike, result.descents, result.measured.held, result.control.held) == (1, 2, 4, 0)
    assert result.row[-1] == "1 of 2, midpoint_flow"
    assert len(result.row) == len(COLUMNS)


def test_a_claim_is_measured_on_the_same_draws_whoever_asks():
    name = "alignment removes the rise"
    (found,) = measure(2, SerialExecutor(), [name])
    alone = [answers(Draw(name, seed, tuple(Way))) for seed in (1, 0)]
    assert found == result_of(claims()[name], alone[::-1])
    assert found.measured.draws == found.control.draws == 2
    assert [one[Way.FLOW] for one in alone] == [True, None]  # one of the two has a rise to be removed


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InvalidInput, match="draws must be at least 1, got 0"):
        measure(0, SerialExecutor())
    with pytest.raises(InvalidInput, match="unknown claim 'goldilocks, P 12'; did you mean 'goldilocks, P 120'"):
        measure(1, SerialExecutor(), ["goldilocks, P 12"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "control_most"),
    [
        ("delay grows with alpha", 0.5, 0.4),
        ("delay grows with 1/eps at 50%", 0.5, 0.4),
        ("goldilocks, P 250", 0.5, 0.3),
        ("alignment removes the rise", 0.5, 0.4),
        ("the norm rises while it groks", 0.7, 0.3),
        ("alpha and sigma^2 collapse", 0.7, 0.3),
        ("momentum keeps the mechanism", 0.7, 0.3),
    ],
)
def test_a_claim_holds_in_most_draws_and_collapses_without_its_mechanism(name, least, control_most):
    """20 draws, by the intervals."""
    (found,) = measure(20, SerialExecutor(), [name])
    assert found.measured.interval[0] > least
    assert found.control.interval[1] < control_most


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most", "control_least"),
    [("no delay at the smallest alpha", 0.2, 0.8), ("misaligned labels grok", 0.2, 0.5)],
)
def test_a_claim_that_few_draws_support_would_be_seen_if_it_held(name, most, control_least):
    (found,) = measure(20, SerialExecutor(), [name])
    assert found.measured.interval[1] < most
    assert found.control.interval[0] > control_least


@pytest.mark.parametrize(
    ("held", "told", "control_held", "verdict"),
    [
        (19, 20, 0, "Supported"),
        (19, 20, 19, "True, but in most draws of the control too"),
        (2, 20, 0, "Not supported"),
        (9, 20, 0, "Open"),
        (12, 20, 0, "Open"),
        (0, 0, 0, "Not to be"),
    ],
)
def test_a_page_says_of_a_claim_whether_most_draws_support_it(held, told, control_held, verdict):
    claim = claims()["goldilocks, P 250"]
    control = Measured(held=control_held, told=20, draws=20)
    measured = Measured(held=held, told=told, draws=20)
    result = Result(claim=claim, measured=measured, control=control, named=True, alike=2, descents=3)
    assert result.verdict.startswith(verdict)
    figure = FIGURES.build("9")
    made = Made(name="9", figure=figure, runs={}, data=None, points=None, deviation=None, notes=[])
    for figures in ([], [made]):  # with its figure, or alone
        text = page_of(figures, {"9": Path("figures/figure-9.png")}, [result], Path("page.md"), "grokode figure")
        assert f"| {claim.name} | 9 | {measured} | {control} | holds | 2 of 3, midpoint_flow |" in text
        assert text.count(f"{result.verdict}: {claim.sentence}") == 1
        assert (figure.remark in text) == bool(figures)
