"""The paper's qualitative claims as measurements: in which part of fresh draws each holds.

Every claim has a control, which says what its measure is worth. Where the claim is about a mechanism, the mechanism is
removed: the part that holds there is what chance, or another mechanism, gives. Where it asks for something that few
draws do, it surely does there.

Draws are measured by gradient flow; the first of them by descent too, to tell whether the two answer alike.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ..engines.executor import Executor, values_of
from ..errors import InvalidInput
from ..experiment.result import Run
from ..experiment.spec import Experiment
from ..registry import nearest
from .figure import DESCENT, FLOW, experiment, followed
from .make import Task, run_task

BARE: Mapping[str, Any] = {"lazy": False, "guard": False}
HEAVY_BALL = "heavy_ball:momentum=0.95"
LEVEL = 0.95

RISE = 0.05
"""By which part of its start a test loss has to rise, to have risen."""

RIGHT = 0.01
"""Part of a crossing time that it is right to."""

SPREAD = 0.2
"""By which part of the larger two numbers may differ that are called the same."""

DESCENTS = 3
"""Draws of a claim that are measured by descent too."""

Labelled = Mapping[str, Run]
Holds = Callable[[Labelled], bool | None]
Cases = Mapping[str, Mapping[str, Any]]

Answer = bool | str | None
"""Whether a claim holds in a draw, None where the draw does not tell, or why a run of it failed."""

COLUMNS = ("claim", "figure", "holds in", "control", "draw 0", "descent alike")
LEGEND = (
    "In brackets a binomial interval of 95 % (Wilson). A draw tells where what the claim compares has happened in it. "
    "Draw 0 is the one of the pictures. Alike: in how many of the first draws descent answers as the flow did, of "
    "those in which both tell; midpoint_flow follows descent to second order where its steps would take long."
)
"""What the columns of a table of claims mean."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """In how many draws a claim holds.

    Parameters
    ----------
    held, told : int
        Draws in which it holds, of those that tell.
    draws : int
    failed : int
        Draws of which a run failed.
    """

    held: int
    told: int
    draws: int
    failed: int = 0

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Measured:
        """Count answers."""
        told = [answer for answer in answers if isinstance(answer, bool)]
        failed = sum(isinstance(answer, str) for answer in answers)
        return cls(held=sum(told), told=len(told), draws=len(answers), failed=failed)

    @property
    def fraction(self) -> float:
        """Part of the draws that tell; NaN where none does."""
        return self.held / self.told if self.told else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of 95 % (Wilson), the whole range where no draw tells."""
        if not self.told:
            return 0.0, 1.0
        found = binomtest(self.held, self.told).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        if not self.told:
            return f"no draw of {self.draws} tells{failed}"
        low, high = self.interval
        of = "" if self.told == self.draws else f" that tell, of {self.draws}"
        return f"{self.held} of {self.told}{of} [{low:.2f}, {high:.2f}]{failed}"


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


# ---- measuring


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of one claim, and what is run of it."""

    name: str
    seed: int
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one claim.

    Parameters
    ----------
    claim : Claim
    measured, control : Measured
    named : bool, str or None
        The answer of the draw of seed 0.
    alike, descents : int
        Draws in which descent answers as flow does, of those in which both tell.
    """

    claim: Claim
    measured: Measured
    control: Measured
    named: Answer
    alike: int
    descents: int

    @property
    def row(self) -> tuple[str, ...]:
        """Return what stands under ``COLUMNS``."""
        claim = self.claim
        words: dict[Answer, str] = {True: "holds", False: "does not", None: "does not tell"}
        named = words.get(self.named, "failed")
        alike = "is descent" if claim.flow == claim.descent else f"{self.alike} of {self.descents}, {self.descent}"
        return claim.name, claim.figure, str(self.measured), str(self.control), named, alike

    @property
    def descent(self) -> str:
        """What descent was measured by."""
        return ", ".join(sorted({one.optimizer for one in self.claim.experiments(Way.DESCENT).values()}))

    @property
    def verdict(self) -> str:
        """What the draws say of the claim, by their interval."""
        measured, control = self.measured, self.control
        if not measured.told:
            return "Not to be told from these draws"
        low, high = measured.interval
        if low <= 0.5:
            return "Not supported by most draws" if high < 0.5 else "Open"
        return "True, but in most draws of the control too" if control.interval[0] > 0.5 else "Supported"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; null where nothing tells."""
        claim = self.claim
        return {
            "name": claim.name,
            "figure": claim.figure,
            "sentence": claim.sentence,
            "control": claim.without,
            "optimizer": claim.flow,
            "verdict": self.verdict,
            "named_draw": self.named,
            "measured": _counted(self.measured),
            "measured_control": _counted(self.control),
            "descent_alike": {"optimizer": self.descent, "alike": self.alike, "told": self.descents},
        }


def _counted(measured: Measured) -> dict[str, Any]:
    fraction = measured.fraction
    return {
        "held": measured.held,
        "told": measured.told,
        "draws": measured.draws,
        "failed": measured.failed,
        "fraction": None if math.isnan(fraction) else fraction,
        "interval": list(measured.interval),
    }


def answers(draw: Draw) -> dict[Way, Answer]:
    """Run one draw and tell whether the claim holds in it, or why a run of it failed."""
    claim = claims()[draw.name]
    run = functools.cache(run_task)  # what a claim and its control share is run once
    found: dict[Way, Answer] = {}
    for way in draw.ways:
        experiments = claim.experiments(way)
        runs = {label: run(Task(one.model_copy(update={"seed": draw.seed}))) for label, one in experiments.items()}
        known = {label: one for label, one in runs.items() if not isinstance(one, str)}
        failed = [one for one in runs.values() if isinstance(one, str)]
        found[way] = failed[0] if failed else claim.holds(known)
    return found


def measure(
    draws: int,
    executor: Executor,
    names: Sequence[str] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> list[Result]:
    """Measure claims on draws of seeds 0, 1, ...

    Parameters
    ----------
    draws : int
    executor : Executor
        What runs them.
    names : sequence of str
        Of the claims; all of them by default.
    progress : callable, optional
        Called with the fraction that is done.

    Returns
    -------
    list of Result
        One a claim, in the order of ``claims``.

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    InvalidInput
        If there is no draw, or no claim of a name.
    """
    if draws < 1:
        raise InvalidInput(f"draws must be at least 1, got {draws}")
    for name in names:
        if name not in claims():
            raise InvalidInput(f"unknown claim {name!r}; {nearest(name, list(claims()))}")
    known = {name: claim for name, claim in claims().items() if not names or name in names}
    tasks = [Draw(name, seed, _ways(claim, seed)) for seed in range(draws) for name, claim in known.items()]
    found = dict(zip(tasks, values_of(executor, answers, tasks, what="a draw", progress=progress), strict=True))
    return [result_of(claim, [found[draw] for draw in tasks if draw.name == name]) for name, claim in known.items()]


def _ways(claim: Claim, seed: int) -> tuple[Way, ...]:
    by_descent = seed < DESCENTS and claim.flow != claim.descent
    return (Way.FLOW, Way.CONTROL, Way.DESCENT) if by_descent else (Way.FLOW, Way.CONTROL)


def result_of(claim: Claim, found: Sequence[Mapping[Way, Answer]]) -> Result:
    """Count the answers of all draws, that of seed 0 first."""
    both = [one for one in found if isinstance(one.get(Way.DESCENT), bool) and isinstance(one[Way.FLOW], bool)]
    return Result(
        claim=claim,
        measured=Measured.of([one[Way.FLOW] for one in found]),
        control=Measured.of([one[Way.CONTROL] for one in found]),
        named=found[0][Way.FLOW],
        alike=sum(one[Way.FLOW] is one[Way.DESCENT] for one in both),
        descents=len(both),
    )
