"""Claims: what each of them asks of a draw, and how answers are counted."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import beta

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.engines.serial import SerialExecutor
from grokode.errors import InvalidInput
from grokode.figures import FIGURES
from grokode.figures.claims import (
    Measured,
    Result,
    aligned_removes,
    claims,
    collapses,
    delayed,
    goldilocks,
    grows,
    linear_rise,
    little_delay,
    measure,
    norm_rises,
)
from grokode.figures.page import Shown, page_of


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
        (linear_rise, of(run(loss_test_exact=[1, 1.2, 0.3], linear_power=[0, 0.15, 0])), True),
        (linear_rise, of(run(loss_test_exact=[1, 1.2, 0.3], linear_power=[0, 0.05, 0])), False),
        (linear_rise, of(run(loss_test_exact=[1, 1.04, 0.3], linear_power=[0, 1, 0])), None),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 2]), "aligned": run(loss_test_exact=[1, 0.5])}, True),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 2]), "aligned": run(loss_test_exact=[1, 1.1])}, False),
        (aligned_removes, {"unaligned": run(loss_test_exact=[1, 1]), "aligned": run(loss_test_exact=[1, 1])}, None),
        (norm_rises, of(run(1, 3, mean_square_weight=[1, 2, 3])), True),
        (norm_rises, of(run(1, 3, mean_square_weight=[3, 2, 1])), False),
        (norm_rises, of(run(1, None, mean_square_weight=[3, 2, 1])), None),
        (collapses, of(run(relative_change=[0, 1]), run(relative_change=[0, 1.15])), True),
        (collapses, of(run(relative_change=[0, 1]), run(relative_change=[0, 0.8])), False),
    ],
)
def test_an_answer_is_what_the_sentence_says(holds, runs, expected):
    assert holds(runs) is expected


def test_draws_that_do_not_tell_are_counted_apart():
    found = Measured.of([True, None, False, True])
    assert (found.held, found.told, found.draws, found.fraction) == (2, 3, 4, pytest.approx(2 / 3))
    assert str(found).startswith("2 of 3 that tell, of 4 [")
    nothing = Measured.of([None, None])
    assert math.isnan(nothing.fraction)
    assert nothing.interval == (0.0, 1.0)
    assert str(nothing) == "no draw of 2 tells"


def test_the_interval_is_a_binomial_one():
    """Inside Clopper and Pearson's, which is never too short, and around the fraction."""
    for held, told in ((0, 20), (3, 20), (20, 20), (57, 100)):
        low, high = Measured(held=held, told=told, draws=told).interval
        exact = beta.ppf(0.025, held, told - held + 1), beta.ppf(0.975, held + 1, told - held)
        assert low <= held / told <= high
        assert low >= np.nan_to_num(exact[0]) - 0.02
        assert high <= (exact[1] if held < told else 1) + 0.02


def test_every_claim_has_a_figure_a_sentence_and_a_control_by_flow():
    for claim in claims().values():
        assert claim.figure in FIGURES
        assert claim.sentence
        assert claim.without
        assert claim.experiments.keys() == claim.control.keys()
        assert claim.experiments != claim.control
        for one in (*claim.experiments.values(), *claim.control.values()):
            assert not OPTIMIZERS.build(one.optimizer).steps


def test_a_claim_is_measured_on_the_same_draws_whoever_asks():
    name = "alignment removes the rise"
    (one,), (other,) = (measure(3, SerialExecutor(), [name]) for _ in range(2))
    assert one.to_dict() == other.to_dict()
    assert one.measured.draws == one.control.draws == 3
    with pytest.raises(InvalidInput, match="draws must be at least 1, got 0"):
        measure(0, SerialExecutor())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "control_most"),
    [("alignment removes the rise", 0.5, 0.4), ("alpha and sigma^2 collapse", 0.7, 0.3)],
)
def test_a_claim_holds_in_most_draws_and_collapses_without_its_mechanism(name, least, control_most):
    """20 draws, by the intervals."""
    (found,) = measure(20, SerialExecutor(), [name])
    assert found.measured.interval[0] > least
    assert found.control.interval[1] < control_most


def test_a_page_says_of_a_claim_whether_most_draws_support_it():
    claim = claims()["goldilocks"]
    control = Measured(held=0, told=20, draws=20)
    for held, told, verdict in ((19, 20, "Supported"), (2, 20, "Not supported"), (12, 20, "Open"), (0, 0, "Not to be")):
        result = Result(claim=claim, measured=Measured(held=held, told=told, draws=20), control=control, named=True)
        text = page_of([], [result], Path("page.md"), "grokode figure --all --claims")
        assert f"| goldilocks | 9 | {result.measured} | {control} | holds |" in text
        shown = Shown(name="9", figure=FIGURES.build("9"), picture=Path("figures/figure-9.png"), runs={})
        text = page_of([shown], [result], Path("page.md"), "")
        assert f"{verdict}" in text
        assert claim.sentence in text
