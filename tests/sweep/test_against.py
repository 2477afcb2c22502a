"""How far two sweeps of one training are apart."""

import numpy as np
import pytest

import grokode
from grokode.engines import ENGINES
from grokode.errors import InvalidInput
from grokode.sweep.against import distance
from grokode.sweep.conduct import conduct
from grokode.sweep.layout import layout_of
from grokode.sweep.specification import sweep_of
from grokode.sweep.store import open_sweep

SMALL = {"dim": 6, "n_train": 20, "width": 7, "points": 12, "dt": 0.3}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return a function that sweeps and opens."""
    folder = tmp_path_factory.mktemp("stores")

    def make(name, thresholds=("30%", "1e-9"), **flags):
        if not (folder / name).exists():
            sweep, _ = sweep_of({**SMALL, **flags}, thresholds=thresholds)
            conduct(sweep, layout_of(sweep), folder / name, ENGINES.build("serial"), resume=False)
        return open_sweep(folder / name)

    return make


@pytest.fixture
def flow(stored):
    return stored("flow", alpha="0.5,1,2", eps="0.2,0.4,1", t_max=60.0)


@pytest.fixture
def descent(stored):
    return stored("descent", alpha="0.5,2", eps="0.2,1,3", steps=200, optimizer="gradient_descent")


def test_it_is_the_largest_of_the_cells_that_both_have(flow, descent):
    """Against single runs of both."""
    found = distance(flow, descent)
    assert (found.ours, found.theirs, found.cells) == ("gradient_flow", "gradient_descent", 4)
    apart = {"t_train": [], "t_test": []}
    for alpha in (0.5, 2):
        for eps in (0.2, 1):
            how = {**SMALL, "alpha": alpha, "eps": eps, "threshold": "30%"}
            one = grokode.run(**how, t_max=60.0)
            two = grokode.run(**how, steps=200, optimizer="gradient_descent")
            for name, values in apart.items():
                a, b = one.summary[name], two.summary[name]
                if a is not None and b is not None:
                    values.append(abs(a - b) / b)
    assert apart["t_train"]
    for name, values in apart.items():
        assert found.largest[name] == pytest.approx(max(values, default=np.nan), rel=1e-9, nan_ok=True)
    assert "gradient_flow against gradient_descent at 4 cells: t_train within" in str(found)


def test_a_sweep_that_has_but_one_value_of_an_axis_is_compared_there(flow, stored):
    line = stored("line", alpha="0.5,2", eps=0.4, t_max=60.0)
    found = distance(flow, line)
    assert found.cells == distance(line, flow).cells == 2
    assert max(found.largest.values()) == 0  # the same optimizer


def test_what_neither_reaches_has_no_distance(flow, descent):
    found = distance(flow, descent, "1e-9")
    assert np.isnan([*found.largest.values()]).all()
    assert "t_test never by both" in str(found)


def test_a_crossing_of_one_only_is_counted(flow, stored):
    shorter = stored("shorter", alpha="0.5,2", eps="0.2,1", t_max=0.5)
    assert sum(distance(flow, shorter).one_sided.values()) > 0


def test_other_trainings_are_no_comparison(flow, stored):
    with pytest.raises(InvalidInput, match="differ in width: 7 and 8"):
        distance(flow, stored("wider", alpha="0.5,2", eps="0.2,1", t_max=0.5, width=8))
    with pytest.raises(InvalidInput, match="no cell in common"):
        distance(flow, stored("elsewhere", alpha="7,8", eps="0.2,1", t_max=0.5))
