"""Axes: what is read, in which order, and what is refused."""

import math

import pytest

from grokode.errors import InvalidInput
from grokode.experiment.grids import parse_range
from grokode.experiment.sources import load_preset
from grokode.sweep.axes import Axis, read_axis
from grokode.sweep.specification import sweep_of

SMALL = {"dim": 6, "n_train": 20, "width": 7, "t_max": 100.0, "points": 10}


def test_one_value_is_no_axis():
    assert read_axis("alpha", "0.5", "the flags") == 0.5
    assert read_axis("alpha", "0.5,1", "the flags") == Axis("alpha", (0.5, 1.0))
    assert read_axis("seeds", "2:5", "the flags") == Axis("seed", (2, 3, 4))
    assert read_axis("n_train", "50,inf", "the flags") == Axis("n_train", (50.0, math.inf))
    words = ["gradient_flow", "sgd:batch_size=2"]
    assert read_axis("optimizer", words, "the flags") == Axis("optimizer", tuple(words))


def test_a_range_ends_before_its_end():
    assert parse_range("3:6") == [3, 4, 5]
    assert parse_range("7") == [7]
    assert parse_range("1,5,9") == [1, 5, 9]


def test_axes_have_one_order_and_seeds_are_last():
    sweep, _ = sweep_of({**SMALL, "seeds": "0:2", "eps": "0.1,0.2", "alpha": "1,2,3"})
    assert [axis.name for axis in sweep.axes] == ["alpha", "eps", "seed"]
    assert sweep.shape == (3, 2, 2)
    cell = sweep.cell((2, 0, 1))
    assert (cell.alpha, cell.eps, cell.seed, cell.dim) == (3.0, 0.1, 1, 6)


def test_flags_replace_the_axes_of_a_preset():
    preset = load_preset("kumar-fig3e")
    assert sweep_of({}, preset=preset)[0].shape == (14, 14)
    sweep, _ = sweep_of({"alpha": "1", "eps": "0.1,0.2"}, preset=preset)
    assert [(axis.name, axis.values) for axis in sweep.axes] == [("eps", (0.1, 0.2))]
    assert sweep.base.alpha == 1.0


def test_an_axis_replaces_what_excludes_it():
    sweep, _ = sweep_of({**SMALL, "lr": "0.1,0.2"})
    cell = sweep.cell((1,))
    assert (cell.lr, cell.dt) == (0.2, None)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"alpha": "2,1"}, "must increase, got 1 after 2"),
        ({"alpha": "log:0:1:3"}, "log: needs positive numbers, got 0"),
        ({"alpha": "lin:0:1:1000000000"}, "has 1000000000 numbers"),
        ({"alpha": "lin:1:2:100000", "eps": "lin:1:2:100000"}, r"the grid has 1e\+10 cells"),
        ({"alpha": "0,1"}, "greater than 0, got 0.0"),
        ({"alpha": []}, "is an empty grid"),
        ({"target": ["single_index", "single_index"]}, "has a value twice"),
        ({"seeds": "5:5"}, "has 0 numbers"),
        ({"seed": 1, "seeds": "0:2"}, "seed and seeds"),
        ({"points": [5, 6]}, "points is the same in every cell"),
        ({"width": [5, math.inf], "lr": 0.1}, "no meaning at infinite width"),
        ({"alphas": "1,2"}, "unknown parameter 'alphas'"),
        ({"alpha": "2"}, "nothing to sweep"),
    ],
)
def test_bad_grids_are_refused(flags, words):
    with pytest.raises(InvalidInput, match=words):
        sweep_of({**SMALL, **flags})


def test_blocks_tile_the_grid():
    """Every cell is in exactly one block, whatever the shape; cells that share a draw are together."""
    sweep, _ = sweep_of({}, preset=load_preset("kumar-fig3e"))
    seen = [index for block in sweep.blocks() for index in cells(block)]
    assert sorted(seen) == sorted({(i, j) for i in range(14) for j in range(14)})
    assert len(list(sweep.blocks())) > 8  # enough for several workers
    dims, _ = sweep_of({**SMALL, "dim": "6,7", "alpha": "1,2,3"})
    assert dims.block_shape == (2, 3)


def cells(block):
    from grokode.sweep.specification import cells_of

    return list(cells_of(block))
