"""The paper's qualitative claims as measurements: in which part of fresh draws each holds.

Every claim has a control, in which what it says should happen cannot: the part that holds there is what chance, or
another mechanism, would give.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ..engines.executor import Executor, values_of
from ..errors import InvalidInput
from ..experiment.result import Run
from ..experiment.spec import Experiment
from .figure import experiment
from .make import Task, run_task

BARE: dict[str, Any] = {"lazy": False, "guard": False}
LEVEL = 0.95

RISE = 0.05
"""By which part of its start a test loss has to rise, to have risen."""

Runs = Mapping[str, Run]
Holds = Callable[[Runs], bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim.

    Parameters
    ----------
    name : str
    figure : str
    sentence, without : str
        What is measured, and what the control is, in words.
    experiments, control : mapping of str to Experiment
        By label; seeds are set draw by draw.
    holds : callable
        From the runs of one draw: whether it holds, or None where the draw does not tell.
    """

    name: str
    figure: str
    sentence: str
    without: str
    experiments: Mapping[str, Experiment]
    control: Mapping[str, Experiment]
    holds: Holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """In how many draws a claim holds.

    Parameters
    ----------
    held, told : int
        Draws in which it holds, of those that tell.
    draws : int
    """

    held: int
    told: int
    draws: int

    @classmethod
    def of(cls, answers: Sequence[bool | None]) -> Measured:
        """Count answers."""
        told = [answer for answer in answers if answer is not None]
        return cls(held=sum(told), told=len(told), draws=len(answers))

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
        if not self.told:
            return f"no draw of {self.draws} tells"
        low, high = self.interval
        of = "" if self.told == self.draws else f" that tell, of {self.draws}"
        return f"{self.held} of {self.told}{of} [{low:.2f}, {high:.2f}]"


def end_of(run: Run, name: str) -> float:
    """Return a crossing time; infinity where it is beyond the end or never is."""
    value = run.summary[name]
    return math.inf if value is None else float(value)


def delay_of(run: Run) -> float | None:
    """Return the delay, infinity where the test loss does not get there; None where the train loss does not."""
    train = end_of(run, "t_train")
    return None if math.isinf(train) else end_of(run, "t_test") - train


def grows(runs: Runs) -> bool | None:
    """Tell whether the delay is longer from one run to the next; untold where two are beyond the end."""
    delays = [delay_of(run) for run in runs.values()]
    known = [delay for delay in delays if delay is not None]
    if len(known) < len(delays) or sum(map(math.isinf, known)) > 1:
        return None
    return all(one < other for one, other in zip(known, known[1:], strict=False))


def little_delay(runs: Runs) -> bool | None:
    """Tell whether the test loss gets there within twice the time of the train loss."""
    (run,) = runs.values()
    train = end_of(run, "t_train")
    return None if math.isinf(train) else end_of(run, "t_test") <= 2 * train


def delayed(runs: Runs) -> bool | None:
    """Tell whether the test loss gets there, and takes more than twice the time of the train loss."""
    (run,) = runs.values()
    train, test = end_of(run, "t_train"), end_of(run, "t_test")
    return None if math.isinf(train) else 2 * train < test < math.inf


def rise_of(run: Run) -> tuple[float, int]:
    """Return by which part of its start the test loss rises first, and where it is highest."""
    loss = run.curves["loss_test_exact"].values
    top = int(np.argmax(loss))
    return float(loss[top] / loss[0] - 1), top


def linear_rise(runs: Runs) -> bool | None:
    """Tell whether most of a rise of the test loss is power in linear modes; untold where it does not rise."""
    (run,) = runs.values()
    rise, top = rise_of(run)
    if rise < RISE:
        return None
    power, loss = run.curves["linear_power"].values, run.curves["loss_test_exact"].values
    return bool(power[top] - power[0] > 0.5 * (loss[top] - loss[0]))


def aligned_removes(runs: Runs) -> bool | None:
    """Tell whether the rise of an unaligned start is gone in an aligned one; untold where there is none."""
    if rise_of(runs["unaligned"])[0] < RISE:
        return None
    return rise_of(runs["aligned"])[0] < RISE


def norm_rises(runs: Runs) -> bool | None:
    """Tell whether tr M is larger when the test loss gets there than when the train loss does."""
    (run,) = runs.values()
    train, test = end_of(run, "t_train"), end_of(run, "t_test")
    if math.isinf(test) or test <= train:
        return None
    at = np.interp([train, test], run.t, run.curves["mean_square_weight"].values)
    return bool(at[1] > at[0])


def goldilocks(runs: Runs) -> bool | None:
    """Tell whether few samples never get there and many with little delay, and a number between with a longer one."""
    few, between, many = (delay_of(runs[label]) for label in ("few", "between", "many"))
    if few is None or between is None or many is None:
        return None
    return math.isinf(few) and many < between < math.inf


SPREAD = 0.2


def collapses(runs: Runs) -> bool | None:
    """Tell whether the relative change of the parameters is the same to 20 % at equal sigma^2 alpha."""
    one, other = (float(run.curves["relative_change"].values[-1]) for run in runs.values())
    return abs(math.log(one / other)) < SPREAD


@functools.cache  # every draw asks for one of them, and composing them all takes longer than a small run
def claims() -> dict[str, Claim]:
    """Return all claims by name."""

    def flow(preset: str, **more: Any) -> Experiment:
        return experiment(preset, True, **{**BARE, **more})

    def crossing(preset: str, threshold: str, **more: Any) -> Experiment:
        return flow(preset, threshold=threshold, until="resolved", points=60, **more)

    def three(preset: str, threshold: str, name: str, values: Sequence[float], **more: Any) -> dict[str, Experiment]:
        return {str(k): crossing(preset, threshold, **{name: value}, **more) for k, value in enumerate(values, 1)}

    alphas, eps, samples = (0.25, 1.0, 4.0), (4.0, 1.0, 0.25), ("few", "between", "many")
    plenty: dict[str, Any] = {"n_train": math.inf}
    late: dict[str, Any] = {**BARE, "threshold": "10%", "until": "resolved", "points": 60}
    listed = [
        Claim(
            name="delay grows with alpha",
            figure="3a",
            sentence="delay at 10 % of the start: alpha 4 > 1 > 1/4",
            without="infinitely many samples",
            experiments=three("kumar-fig3a", "10%", "alpha", alphas),
            control=three("kumar-fig3a", "10%", "alpha", alphas, **plenty),
            holds=grows,
        ),
        Claim(
            name="no delay at the smallest alpha",
            figure="3a",
            sentence="at alpha 1/32 the test loss takes at most twice the train loss's time to 10 %",
            without="alpha 4",
            experiments={"run": crossing("kumar-fig3a", "10%", alpha=2**-5)},
            control={"run": crossing("kumar-fig3a", "10%", alpha=4.0)},
            holds=little_delay,
        ),
        *(
            Claim(
                name=f"delay grows with 1/eps at {threshold}",
                figure="3b",
                sentence=f"delay at {threshold} of the start: eps 1/4 > 1 > 4",
                without="infinitely many samples",
                experiments=three("kumar-fig3b", threshold, "eps", eps),
                control=three("kumar-fig3b", threshold, "eps", eps, **plenty),
                holds=grows,
            )
            for threshold in ("50%", "10%")
        ),
        Claim(
            name="goldilocks",
            figure="9",
            sentence="to 10 % of the start: P 50 never, P 500 sooner after the train loss than P 120",
            without="P 400, 500, 600: enough everywhere",
            experiments={
                label: crossing("kumar-fig9", "10%", n_train=P, t_max=1e6, steps=None)
                for label, P in zip(samples, (50, 120, 500), strict=True)
            },
            control={
                label: crossing("kumar-fig9", "10%", n_train=P, t_max=1e6, steps=None)
                for label, P in zip(samples, (400, 500, 600), strict=True)
            },
            holds=goldilocks,
        ),
        Claim(
            name="the rise is linear power",
            figure="4",
            sentence="where the test loss first rises by 5 %, most of it is power in linear modes",
            without="eps 4: a quadratic network",
            experiments={"run": flow("kumar-fig4")},
            control={"run": flow("kumar-fig4", eps=4.0)},
            holds=linear_rise,
        ),
        Claim(
            name="alignment removes the rise",
            figure="10",
            sentence="a rise of 5 % from s = 0 is none from s = 0.75",
            without="s = 0 both times",
            experiments={
                "unaligned": flow("kumar-fig10", start="interpolated:s=0"),
                "aligned": flow("kumar-fig10", start="interpolated:s=0.75"),
            },
            control={
                "unaligned": flow("kumar-fig10", start="interpolated:s=0"),
                "aligned": flow("kumar-fig10", start="interpolated:s=0"),
            },
            holds=aligned_removes,
        ),
        Claim(
            name="the norm rises while it groks",
            figure="1c",
            sentence="tr M is larger when the test loss is below 0.1 than when the train loss is",
            without="weight decay of 1e-4 per flow time",
            experiments={"run": flow("kumar-fig1", threshold="0.1")},
            control={"run": flow("kumar-fig1", threshold="0.1", decay_rate=1e-4)},
            holds=norm_rises,
        ),
        Claim(
            name="alpha and sigma^2 collapse",
            figure="7",
            sentence="relative change of the parameters at (alpha 4, sigma 1) and (alpha 1, sigma 2) within 20 %",
            without="alpha 4 and alpha 1, at one sigma",
            experiments={
                "alpha": flow("kumar-fig7", alpha=4.0),
                "sigma": flow("kumar-fig7", alpha=1.0, sigma=2.0, dt=0.125),
            },
            control={"alpha": flow("kumar-fig7", alpha=4.0), "sigma": flow("kumar-fig7", alpha=1.0)},
            holds=collapses,
        ),
        Claim(
            name="readouts keep the mechanism",
            figure="11",
            sentence="with trained readouts the test loss gets to 10 %, later than twice the train loss",
            without="P 1200: enough samples",
            experiments={"run": flow("kumar-fig11", threshold="10%")},
            control={"run": flow("kumar-fig11", threshold="10%", n_train=1200)},
            holds=delayed,
        ),
        Claim(
            name="momentum keeps the mechanism",
            figure="13a",
            sentence="under momentum 0.95 the test loss gets to 10 %, later than twice the train loss",
            without="eps 0: a linear network",
            experiments={"run": experiment("kumar-fig13a", False, optimizer="momentum_flow", **late)},
            control={"run": experiment("kumar-fig13a", False, optimizer="momentum_flow", eps=0.0, **late)},
            holds=delayed,
        ),
    ]
    return {claim.name: claim for claim in listed}


# ---- measuring


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of one claim, or of its control."""

    name: str
    control: bool
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one claim; ``named`` is its answer in the draw of seed 0."""

    claim: Claim
    measured: Measured
    control: Measured
    named: bool | None

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Return name, what was measured of it and of its control, and what the draw of seed 0 says."""
        words = {True: "holds", False: "does not", None: "does not tell"}
        return self.claim.name, str(self.measured), str(self.control), words[self.named]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; null where nothing tells."""
        claim = self.claim
        return {
            "name": claim.name,
            "figure": claim.figure,
            "sentence": claim.sentence,
            "control": claim.without,
            "named_draw": self.named,
            "measured": _counted(self.measured),
            "measured_control": _counted(self.control),
        }


def _counted(measured: Measured) -> dict[str, Any]:
    fraction = measured.fraction
    return {
        "held": measured.held,
        "told": measured.told,
        "draws": measured.draws,
        "fraction": None if math.isnan(fraction) else fraction,
        "interval": list(measured.interval),
    }


def answer(draw: Draw) -> bool | None:
    """Run one draw and tell whether the claim holds in it; a run that fails tells nothing."""
    claim = claims()[draw.name]
    runs: dict[str, Run] = {}
    for label, one in (claim.control if draw.control else claim.experiments).items():
        run = run_task(Task(one.model_copy(update={"seed": draw.seed})))
        if isinstance(run, str):
            return None
        runs[label] = run
    return claim.holds(runs)


def measure(
    draws: int,
    executor: Executor,
    names: Sequence[str] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> list[Result]:
    """Measure claims, all by default, on draws of seeds 0, 1, ...

    Raises
    ------
    EngineLost
        If a worker is lost again and again.
    InvalidInput
        If there is no draw.
    """
    if draws < 1:
        raise InvalidInput(f"draws must be at least 1, got {draws}")
    known = {name: claim for name, claim in claims().items() if not names or name in names}
    tasks = [Draw(name, control, seed) for seed in range(draws) for name in known for control in (False, True)]
    answers = values_of(executor, answer, tasks, what="a draw", progress=progress)
    found: dict[Draw, bool | None] = dict(zip(tasks, answers, strict=True))
    return [
        Result(
            claim=claim,
            measured=Measured.of([found[Draw(name, False, seed)] for seed in range(draws)]),
            control=Measured.of([found[Draw(name, True, seed)] for seed in range(draws)]),
            named=found[Draw(name, False, 0)],
        )
        for name, claim in known.items()
    ]
