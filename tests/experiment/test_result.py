"""A run as it shows itself."""

from __future__ import annotations

import base64
import html
import re

import pytest

import grokode


@pytest.fixture(scope="module")
def run() -> grokode.Run:
    return grokode.run(dim=5, n_train=8, width=7, t_max=20, points=10, threshold="50%")


def test_a_notebook_shows_every_row_and_the_picture(run):
    shown = run._repr_html_()
    for row in run.rows():
        assert "".join(f"<td>{html.escape(cell)}</td>" for cell in row) in shown
    images = re.findall(r'src="data:image/png;base64,([^"]*)"', shown)
    assert len(images) == 1
    assert base64.b64decode(images[0], validate=True).startswith(b"\x89PNG\r\n\x1a\n")


def test_its_repr_is_one_line(run):
    assert "\n" not in repr(run)
    assert len(repr(run)) < 200
