"""Parameters that nobody wrote down, from logged curves: least squares on log losses, and what they leave open."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engines.executor import Executor
from ..errors import InvalidInput
from ..experiment.bundle import Bundle
from ..experiment.spec import Experiment
from .draws import DRAWS
from .identification import product
from .log import Array, Log
from .misfit import SPARE, DrawnMisfit, GivenMisfit, Misfit, Seeds
from .parameters import start_of
from .region import LEVELS, Combination, Region
from .search import SCAN, Search

FEW = 8
"""Draws with which it looks, and goes the first part of the way."""

LONG = 60.0
"""Seconds beyond which the expected time is said."""

EVALUATIONS = 50
"""Of the whole theory, that a fit of three parameters usually takes after its scan."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Fitted parameters.

    Parameters
    ----------
    experiment : Experiment
        With the fitted values; a parameter that is not identified is near where it started.
    parameters : mapping of str to Combination
        Each by itself.
    combinations : mapping of str to Combination
        What the curves do tell of those that they do not tell by themselves.
    source : str
        What the covariance was taken over: seeds, draws, or points.
    """

    experiment: Experiment
    parameters: Mapping[str, Combination]
    combinations: Mapping[str, Combination]
    source: str
    _search: Search

    def region(self, values: Mapping[str, float]) -> Region:
        """Return what the curves say of these values; its ``holds(level)`` tells whether the joint region has them.

        Misfit, its derivatives and their scatter are computed at those very values, nothing is linearised.

        Raises
        ------
        RunFailed
            If the training diverges there.
        """
        return self._search.region(np.log([values[name] for name in self.parameters]))

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain data."""
        return {
            "parameters": {name: item.to_dict() for name, item in self.parameters.items()},
            "combinations": {name: item.to_dict() for name, item in self.combinations.items()},
            "levels": list(LEVELS),
            "covariance_from": self.source,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return the fit as a table of two columns."""
        rows = []
        for name, item in {**self.parameters, **self.combinations}.items():
            if item.intervals is None:
                rows.append((f"fit {name}", "not identified by these curves"))
                continue
            digits = _digits(*item.intervals[LEVELS[0]])
            ends = "; ".join(
                f"{level:.0%} {low:.{digits}g} to {high:.{digits}g}" for level, (low, high) in item.intervals.items()
            )
            rows.append((f"fit {name}", f"{item.value:.{digits + 2}g} ({ends})"))
        return rows


def _digits(low: float, high: float) -> int:
    """Return how many digits tell the ends of an interval apart, at least 4 and at most 12."""
    return int(np.clip(2 - np.log10(max(high / low - 1, 1e-10)), 4, 12))


def fit(
    experiment: Experiment,
    bundles: Sequence[Bundle],
    files: Mapping[str, Array],
    logs: Sequence[Log],
    names: Sequence[str],
    *,
    draws: int = DRAWS,
    say: Callable[[str], None] = lambda _: None,
    executor: Executor | None = None,
) -> Fit:
    """Fit parameters to logs.

    Parameters
    ----------
    experiment : Experiment
        Everything else, and where the search starts.
    bundles : sequence of Bundle
        One for all logs or one for each; none where data and weights are not known, and each log is of a fresh
        draw.
    files : mapping of str to ndarray
        The arrays that the experiment names by path.
    logs : sequence of Log
        In units of the mean squared residual.
    names : sequence of str
        Some of ``PARAMETERS``.
    draws : int
        Fresh draws that the theory is averaged over.
    say : callable, optional
        Called with a line where something should be known before a long fit.
    executor : Executor, optional
        Where draws are trained; in this process by default.

    Raises
    ------
    InvalidInput
        If a parameter cannot be fitted, or the logs hold too little.
    RunFailed
        If no training near the start is stable.
    """
    start = start_of(experiment, names, given=bool(bundles))
    seeds = Seeds.of(logs)
    _refuse(seeds, len(names), None if bundles else draws)
    if bundles:
        stages: Sequence[Misfit] = [GivenMisfit(seeds, bundles, files)]
    else:
        stages = [DrawnMisfit(seeds, files, count, executor) for count in sorted({min(FEW, draws), draws})]
    started = time.perf_counter()
    searches = [Search(stage, experiment, names, start) for stage in stages]
    points = searches[0].scan()
    expected = (time.perf_counter() - started) / SCAN * EVALUATIONS * (draws / min(FEW, draws) if not bundles else 1)
    if expected > LONG:
        say(f"the fit may take about {expected / 60:.0f} min; fewer --draws are faster")
    theta = searches[0].best(points[:2])
    for search in searches[1:]:
        theta = search.solve(search.stable([theta, *points]))  # of more draws one may diverge where fewer do not
    return _report(searches[-1], theta, names)


def _refuse(seeds: Seeds, p: int, draws: int | None) -> None:
    """Refuse logs that hold too little for p parameters, and draws that do."""
    logs, points = seeds.values.shape
    if points <= p:
        raise InvalidInput(f"{points} shared points cannot fit {p} parameters; log more, or fit fewer")
    if draws is None:
        return
    if draws < p + SPARE:
        raise InvalidInput(f"{draws} draws cannot tell the scatter of {p} parameters; give --draws {p + SPARE} or more")
    if len(np.unique(seeds.values, axis=0)) < logs:
        raise InvalidInput(
            "two logs hold the same losses, and without --bundle each must be of a draw of its own; give each log once"
        )


def _report(search: Search, theta: Array, names: Sequence[str]) -> Fit:
    """Say what is known at the best fit."""
    region = search.region(theta)
    alone = {name: region.combination({name: 1.0}, theta, names) for name in names}
    products = [] if all(item.intervals for item in alone.values()) else region.products(names)
    return Fit(
        experiment=search.at(theta),
        parameters=alone,
        combinations={product(powers): region.combination(powers, theta, names) for powers in products},
        source=region.scatter.source,
        _search=search,
    )
