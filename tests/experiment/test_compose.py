"""What changes nothing is said."""

from __future__ import annotations

import pytest

from grokode.experiment.compose import compose


@pytest.mark.parametrize(
    ("flags", "idle"),
    [
        ({"optimizer": "gradient_descent", "solver": "bdf", "rtol": 1e-3}, ["--solver", "--rtol"]),
        ({"lr": 0.1}, ["--lr"]),
        ({"dt": 0.1}, ["--dt"]),
        ({"lr": 0.1, "steps": 10}, []),  # the end is in steps
        ({"optimizer": "modified_flow", "lr": 0.1}, []),
        ({"solver": "bdf", "rtol": 1e-3}, []),
        ({"optimizer": "heavy_ball", "dt": 0.1}, []),
    ],
)
def test_flags_that_change_nothing_are_said(flags, idle):
    notes = compose(flags).notes
    assert [note.split()[0] for note in notes] == idle
    assert all("changes nothing" in note for note in notes)
