"""Figures from the command line."""

import json
import re

import numpy as np
import pytest
import xarray

QUICK = ("figure", "4", "--quick", "--engine", "serial")


def test_the_list_names_every_figure(cli):
    ended = cli("figure", "--list")
    assert ended.code == 0
    assert all(f"\n{name} " in f"\n{ended.out}" for name in ("1b", "3e", "17", "goldilocks"))
    assert json.loads(cli("figure", "--list", "--json", "-").out)["schema"] == "grokode.figure/1"


def test_a_figure_is_drawn_with_its_numbers(cli, tmp_path):
    ended = cli(
        "figure", "4", "--quick", "--engine", "serial", "--format", "png,svg", "--data", "four.nc", "--json", "-"
    )
    assert ended.code == 0, ended.err
    for kind in ("png", "svg"):
        assert (tmp_path / "figures" / f"figure-4.{kind}").stat().st_size > 5000
    told = json.loads(ended.out)
    assert told["schema"] == "grokode.figure/1"
    (figure,) = told["figures"]
    assert figure["title"].startswith("Figure 4")
    with xarray.open_dataset(tmp_path / "four.nc", engine="h5netcdf") as data:
        assert data["loss_test_exact"].dims == ("run", "seed", "time")
        total = data["variance_error"] + data["misalignment_error"] + data["linear_power"]
        np.testing.assert_allclose(total, data["loss_test_exact"], rtol=1e-9)
        assert figure["runs"][0]["final_loss_test"] == float(data["loss_test_exact"].isel(run=0, seed=0, time=-1))


def test_a_page_says_what_is_claimed_and_what_came_out(cli, tmp_path):
    (tmp_path / "docs").mkdir()
    ended = cli(*QUICK, "--out", "docs/figures", "--page", "docs/figures.md")
    assert ended.code == 0, ended.err
    text = (tmp_path / "docs" / "figures.md").read_text()
    assert "![Figure 4: what the test loss is made of](figures/figure-4.png)" in text
    assert "The paper: the first rise of the test loss is power in linear modes" in text
    assert re.search(r"\| figure 4 \| gradient_flow \| 0.1 \| [\d,.]+ \| not reached \| [\d.]+ \|", text), text
    assert "docs/figures.md`: the numbers in tables" in text


def test_claims_are_measured_with_their_controls(cli, monkeypatch):
    from grokode.figures import measured

    name = "the rise is linear power"
    known = {name: measured.claims()[name]}
    monkeypatch.setattr(measured, "claims", lambda: known)
    ended = cli("figure", "--claims", "--draws", "2", "--engine", "serial", "--json", "-")
    assert ended.code == 0, ended.err
    (claim,) = json.loads(ended.out)["claims"]
    assert claim["measured"]["draws"] == claim["measured_control"]["draws"] == 2
    assert "draw 0" in ended.err


@pytest.mark.slow
def test_trained_networks_lie_on_the_theory(cli, tmp_path):
    """Figure 4's 50,000 steps of two real neurons, to the rounding of exact maps."""
    ended = cli("figure", "4", "--direct", "--engine", "serial", "--json", "-")
    assert ended.code == 0, ended.err
    (figure,) = json.loads(ended.out)["figures"]
    assert figure["deviation"] < 1e-9


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("3x",), "unknown figure '3x'"),
        ((), "name a figure"),
        (("4", "--all"), "leave out one of both"),
        (("4", "--claims"), "figure 4 is named too; give --all or no name"),
        (("4", "--page", "page.txt"), "a page must end in .md, got page.txt"),
        (("--claims", "--draws", "0", "--engine", "serial"), "draws must be at least 1, got 0"),
        (("--all", "--claims", "--draws", "0"), "draws must be at least 1, got 0"),
        (("--claims", "--quick"), "--quick is of figures, and --claims alone draws none; leave it out, or add --all"),
        (("--claims", "--seeds", "0:3"), "--seeds is of figures"),
        (("4", "--draws", "5"), "--draws 5 is of --claims"),
        (("4", "--format", "gif"), "unknown format 'gif'; choose of png, svg, pdf"),
        (("4", "5", "--data", "a.nc"), "--data writes the numbers of one figure, got 2"),
        (("4", "--data", "a.csv"), "ends in .nc, got a.csv"),
        (("4", "--seeds", "5:2"), "5:2"),
        (("4", "--out", "no/where"), "no folder no; make it first"),
        (("4", "--engine", "serial", "--workers", "2"), "engine serial has no workers"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, words, said):
    ended = cli("figure", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    assert said in ended.err
    assert list(tmp_path.iterdir()) == []
