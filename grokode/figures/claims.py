"""The paper's qualitative claims, as what each asks of the runs of one draw.

Every claim has a control, which says what its measure is worth. Where the claim is about a mechanism, the mechanism is
removed: the part that holds there is what chance, or another mechanism, gives. Where it asks for something that few
draws do, it surely does there.

Draws are measured by gradient flow; the first of them by descent too, to tell whether the two answer alike.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from ..experiment.result import Run
from ..experiment.spec import Experiment
from .figure import DESCENT, FLOW, experiment, followed

BARE: Mapping[str, Any] = {"lazy": False, "guard": False}
HEAVY_BALL = "heavy_ball:momentum=0.95"

RISE = 0.05
"""By which part of its start a test loss has to rise, to have risen."""

RIGHT = 0.01
"""Part of a crossing time that it is right to."""

SPREAD = 0.2
"""By which part of the larger two numbers may differ that are called the same."""

Labelled = Mapping[str, Run]
Holds = Callable[[Labelled], bool | None]
Cases = Mapping[str, Mapping[str, Any]]


class Way(StrEnum):
    """What is run of a draw."""

    FLOW = "flow"
    CONTROL = "control"
    DESCENT = "descent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim.

    Parameters
    ----------
    name : str
    figure : str
    sentence, without : str
        What is measured, and what the control is, in words.
    preset : str
    cases, control : mapping of str to parameters
        By label, what is changed of the preset.
    common : parameters
        What is changed in all of them.
    descent : str
        The optimizer whose limit the flow is.
    flow : str
        ``descent`` itself where it is fast enough to be measured everywhere.
    holds : callable
        From the runs of one draw: whether it holds, or None where the draw does not tell.
    """

    name: str
    figure: str
    sentence: str
    without: str
    preset: str
    cases: Cases
    control: Cases
    holds: Holds
    common: Mapping[str, Any] = field(default_factory=dict)
    descent: str = DESCENT
    flow: str = FLOW

    def experiments(self, way: Way) -> dict[str, Experiment]:
        """Return the experiments by label; seeds are set draw by draw."""
        optimizer = self.descent if way is Way.DESCENT else self.flow
        chosen = self.control if way is Way.CONTROL else self.cases
        return {
            label: followed(experiment(self.preset, False, **{**BARE, **self.common, **case, "optimizer": optimizer}))
            for label, case in chosen.items()
        }


def end_of(run: Run, name: str) -> float:
    """Return a crossing time; infinity where it is beyond the end or never is."""
    value = run.summary[name]
    return math.inf if value is None else float(value)


def delay_of(run: Run) -> float | None:
    """Return the delay, infinity where the test loss does not get there; None where the train loss does not."""
    train = end_of(run, "t_train")
    return None if math.isinf(train) else end_of(run, "t_test") - train


def later(one: Run, other: Run) -> bool | None:
    """Tell whether another run's delay is longer, by more than crossings are right to; untold where both do not end."""
    first, second = delay_of(one), delay_of(other)
    if first is None or second is None or (math.isinf(first) and math.isinf(second)):
        return None
    return math.isinf(second) or second - first > RIGHT * end_of(other, "t_test")


def grows(runs: Labelled) -> bool | None:
    """Tell whether the delay is longer from each run to the next: no where one of them is not, however it ends."""
    found = [later(one, other) for one, other in itertools.pairwise(runs.values())]
    return False if False in found else None if None in found else True


def little_delay(runs: Labelled) -> bool | None:
    """Tell whether the test loss gets there within twice the time of the train loss."""
    (run,) = runs.values()
    train = end_of(run, "t_train")
    return None if math.isinf(train) else end_of(run, "t_test") <= 2 * train


def delayed(runs: Labelled) -> bool | None:
    """Tell whether the test loss gets there, and takes more than twice the time of the train loss."""
    (run,) = runs.values()
    train, test = end_of(run, "t_train"), end_of(run, "t_test")
    return None if math.isinf(train) else 2 * train < test < math.inf


def rise_of(run: Run) -> tuple[float, int]:
    """Return by which part of its start the test loss rises at most, and where it is highest."""
    loss = run.curves["loss_test_exact"].values
    top = int(np.argmax(loss))
    return float(loss[top] / loss[0] - 1), top


def linear_rise(runs: Labelled) -> bool | None:
    """Tell whether most of a peak of the test loss is power in linear modes; untold where it has none."""
    (run,) = runs.values()
    rise, top = rise_of(run)
    power, loss = run.curves["linear_power"].values, run.curves["loss_test_exact"].values
    if rise < RISE or loss[-1] >= loss[0]:
        return None
    return bool(power[top] - power[0] > 0.5 * (loss[top] - loss[0]))


def aligned_removes(runs: Labelled) -> bool | None:
    """Tell whether the rise of an unaligned start is gone in an aligned one; untold where there is none."""
    if rise_of(runs["unaligned"])[0] < RISE:
        return None
    return rise_of(runs["aligned"])[0] < RISE


def norm_rises(runs: Labelled) -> bool | None:
    """Tell whether tr M is larger when the test loss gets there than when the train loss does."""
    (run,) = runs.values()
    train, test = end_of(run, "t_train"), end_of(run, "t_test")
    if math.isinf(test) or test <= train:
        return None
    at = np.interp([train, test], run.t, run.curves["mean_square_weight"].values)
    return bool(at[1] > at[0])


def goldilocks(runs: Labelled) -> bool | None:
    """Tell whether few samples never get there, and a number between them and many does with the longer delay."""
    delays = [delay_of(run) for run in runs.values()]
    if None in delays:
        return None
    ends = [math.isfinite(end_of(runs[label], "t_test")) for label in ("few", "between", "many")]
    return ends == [False, True, True] and bool(later(runs["many"], runs["between"]))


def collapses(runs: Labelled) -> bool | None:
    """Tell whether the relative change of the parameters is the same to 20 % at equal sigma^2 alpha."""
    one, other = (float(run.curves["relative_change"].values[-1]) for run in runs.values())
    return abs(one - other) < SPREAD * max(one, other)


def learned_with_more(runs: Labelled) -> bool | None:
    """Tell whether the test loss gets there with many samples and not with few."""
    return math.isinf(end_of(runs["few"], "t_test")) and math.isfinite(end_of(runs["many"], "t_test"))


CROSSING: Mapping[str, Any] = {"threshold": "10%", "until": "resolved", "points": 60}


def _over(name: str, *values: Any, **common: Any) -> Cases:
    """Return one case for each value of a parameter."""
    return {str(k): {name: value, **common} for k, value in enumerate(values, 1)}


def _samples(few: int, between: int, many: int) -> Cases:
    return {label: {"n_train": P} for label, P in zip(("few", "between", "many"), (few, between, many), strict=True)}


def _pooled(**common: Any) -> Cases:
    """Return a case of few points and one of many, as many to test as to train, as figure 19 has them."""
    return {label: {"n_train": P, "n_test": P, **common} for label, P in (("few", 50), ("many", 150))}


def _listed() -> Iterator[Claim]:
    alphas = functools.partial(_over, "alpha", 0.25, 1.0, 4.0)
    yield Claim(
        name="delay grows with alpha",
        figure="3a",
        sentence="delay at 10 % of the start: alpha 4 > 1 > 1/4",
        without="infinitely many samples",
        preset="kumar-fig3a",
        cases=alphas(),
        control=alphas(n_train=math.inf),
        common=CROSSING,
        holds=grows,
    )
    yield Claim(
        name="no delay at the smallest alpha",
        figure="3a",
        sentence="at alpha 1/32 the test loss takes at most twice the train loss's time to 10 %",
        without="infinitely many samples, where it surely does",
        preset="kumar-fig3a",
        cases={"run": {"alpha": 2**-5}},
        control={"run": {"alpha": 2**-5, "n_train": math.inf}},
        common=CROSSING,
        holds=little_delay,
    )
    eps = functools.partial(_over, "eps", 4.0, 1.0, 0.25)
    for threshold in ("50%", "10%"):
        yield Claim(
            name=f"delay grows with 1/eps at {threshold}",
            figure="3b",
            sentence=f"delay at {threshold} of the start: eps 1/4 > 1 > 4",
            without="infinitely many samples",
            preset="kumar-fig3b",
            cases=eps(),
            control=eps(n_train=math.inf),
            common={**CROSSING, "threshold": threshold},
            holds=grows,
        )
    for between in (120, 250):
        yield Claim(
            name=f"goldilocks, P {between}",
            figure="9",
            sentence=f"to 10 % of the start: P 50 never, P 500 sooner after the train loss than P {between}",
            without="P 400, 500, 600: enough everywhere",
            preset="kumar-fig9",
            cases=_samples(50, between, 500),
            control=_samples(400, 500, 600),
            common={**CROSSING, "t_max": 1e6},
            holds=goldilocks,
        )
    yield Claim(
        name="the rise is linear power",
        figure="4",
        sentence="where the test loss rises by 5 % and ends below its start, most of the peak is power in linear modes",
        without="alpha 0.01, eps 25: the same quadratic part without the linear one",
        preset="kumar-fig4",
        cases={"run": {}},
        control={"run": {"alpha": 0.01, "eps": 25.0, "dt": 5e-5}},  # eps / alpha is the speed: 10,000 times
        holds=linear_rise,
    )
    yield Claim(
        name="misaligned labels grok",
        figure="5",
        sentence="labels from eigenvector 70: the test loss gets to 10 %, later than twice the train loss",
        without="150 points each to train and test instead of 100, and their eigenvector 70",
        preset="kumar-fig5",
        cases={"run": {}},
        control={"run": {"n_train": 150, "n_test": 150}},
        common={**CROSSING, "target": "kernel_eigenvector:k=70"},
        holds=delayed,
    )
    unaligned = {"start": "interpolated:s=0"}
    yield Claim(
        name="alignment removes the rise",
        figure="10",
        sentence="a rise of 5 % from s = 0 is none from s = 0.2",
        without="s = 0 both times",
        preset="kumar-fig10",
        cases={"unaligned": unaligned, "aligned": {"start": "interpolated:s=0.2"}},
        control={"unaligned": unaligned, "aligned": unaligned},
        holds=aligned_removes,
    )
    yield Claim(
        name="the norm rises while it groks",
        figure="1c",
        sentence="tr M is larger when the test loss is below 0.1 than when the train loss is",
        without="sigma 10, not centred, weights decaying at 2e-5: grokking by a falling norm",
        preset="kumar-fig1",
        cases={"run": {}},
        control={"run": {"sigma": 10.0, "centered": False, "decay_rate": 2e-5}},
        common={**CROSSING, "threshold": "0.1"},
        holds=norm_rises,
    )
    yield Claim(
        name="alpha and sigma^2 collapse",
        figure="7",
        sentence="relative change of the parameters at (alpha 4, sigma 1) and (alpha 1, sigma 2) within 20 %",
        without="alpha 4 and alpha 1, at one sigma",
        preset="kumar-fig7",
        cases={"alpha": {"alpha": 4.0}, "sigma": {"alpha": 1.0, "sigma": 2.0, "dt": 0.125}},
        control={"alpha": {"alpha": 4.0}, "sigma": {"alpha": 1.0}},
        holds=collapses,
    )
    yield Claim(
        name="readouts keep the mechanism",
        figure="11",
        sentence="with trained readouts the test loss gets to 10 %, later than twice the train loss",
        without="P 1200: enough samples",
        preset="kumar-fig11",
        cases={"run": {}},
        control={"run": {"n_train": 1200}},
        common={"threshold": "10%"},
        holds=delayed,
    )
    yield Claim(
        name="momentum keeps the mechanism",
        figure="13a",
        sentence="under momentum 0.95 the test loss gets to 10 %, later than twice the train loss",
        without="infinitely many samples",
        preset="kumar-fig13a",
        cases={"run": {}},
        control={"run": {"n_train": math.inf}},
        common=CROSSING,
        descent=HEAVY_BALL,
        flow=HEAVY_BALL,
        holds=delayed,
    )
    yield Claim(
        name="more samples make it learnable",
        figure="19",
        sentence="labels from eigenvector 80: the test loss gets to 10 % with 150 points each, and not with 50",
        without="alpha 10, ten times lazier: learning of features is not needed if it holds there",
        preset="kumar-fig5",
        cases=_pooled(),
        control=_pooled(alpha=10.0),
        common={**CROSSING, "target": "kernel_eigenvector:k=80"},
        holds=learned_with_more,
    )


@functools.cache  # every draw asks for one of them
def claims() -> dict[str, Claim]:
    """Return all claims by name."""
    return {claim.name: claim for claim in _listed()}
