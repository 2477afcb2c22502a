"""``grokode convention``: the numbers are those of the library, and every question it cannot answer is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import grokode

NTK = ("convention", "--output-scale", "1/sqrt(N)", "--lr", 0.1, "--width", 100)


def as_json(cli, *words):
    ended = cli(*words, "--json", "-")
    assert ended.code == 0, ended.err
    return json.loads(ended.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def cells(text: str) -> dict[str, list[str]]:
    """Return the rows of a table, by the name in their first column."""
    rows = [[cell for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if row}


@pytest.fixture
def bundle(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"X_train": rng.standard_normal((8, 5)), "y_train": rng.standard_normal(8)}
    arrays |= {"W0": rng.standard_normal((4, 5)), "alpha": 3.0, "eps": 0.25, "lr": 0.07, "centered": True}
    grokode.bundle.save(tmp_path / "b.npz", **arrays, step=[0, 10, 30])
    return tmp_path / "b.npz"


def test_the_question_of_a_user_is_answered_in_a_table(cli):
    """MSELoss, learning rate 0.1, 100 neurons, output over their root, 10,000 steps; the numbers are by hand."""
    ended = cli(*NTK, "--steps", 10_000)
    assert (ended.code, ended.err) == (0, "")
    table = cells(ended.out)
    assert table["output"] == ["alpha/sqrt(N) sum", "alpha/N sum"]
    assert table["alpha"] == ["1", "10", "yours x sqrt(N)"]
    assert table["eps"] == ["?", "?", "yours"]
    assert table["learning rate eta"] == ["0.1", "0.1", "yours"]
    assert table["dt, flow time of a step"] == ["0.1", "eta alpha^2 / N"]
    assert table["steps, flow time t"] == ["10000", "1000", "steps x dt"]


def test_every_factor_is_in_the_table_with_what_it_is(cli):
    words = ("--loss", "sum", "--half", "--loss-over-alpha2", "--n-train", 50, "--alpha", 2, "--lr", 0.1)
    words += ("--output-scale", "1", "--width", 10, "--input-scale", "1/sqrt(D)", "--quadratic", "eps", "--eps", 0.3)
    table = cells(cli("convention", *words).out)
    assert table["loss"] == [
        "1/2 sum of r^2 / alpha^2", "mean of r^2", "yours / k, k = P / 2 / your alpha^2 = 6.25"
    ]  # fmt: skip
    assert table["pre-activation h"] == ["w.x / sqrt(D)", "w.x", "with x / sqrt(D)"]
    assert table["activation"] == ["h + eps h^2", "h + eps/2 h^2"]
    assert table["alpha"] == ["2", "20", "yours x N"]
    assert table["eps"] == ["0.3", "0.6", "yours x 2"]
    assert table["learning rate eta"] == ["0.1", "0.625", "yours x k"]
    assert table["dt, flow time of a step"][0] == "25"


def test_without_a_word_it_says_what_the_conventions_are(cli):
    ended = cli("convention")
    assert (ended.code, ended.err) == (0, "")
    table = cells(ended.out)
    assert table["loss"] == ["mean of r^2", "mean of r^2", "yours"]
    assert table["activation"] == ["h + eps/2 h^2", "h + eps/2 h^2"]


def test_json_is_one_object_with_every_number(cli, tmp_path):
    words = (*NTK, "--loss", "sum", "--n-train", 5, "--eps", 0.2, "--dim", 4, "--steps", 20)
    written = as_json(cli, *words)
    assert written.pop("convention") == {
        "loss": "sum", "half": False, "loss_over_alpha2": False, "input_scale": "1", "output_scale": "1/sqrt(N)",
        "quadratic": "eps/2",
    }  # fmt: skip
    assert written == {
        "schema": "grokode.convention/1",
        "sizes": {"dim": 4, "n_train": 5, "width": 100},
        "yours": {"alpha": 1.0, "eps": 0.2, "lr": 0.1},
        "ours": {"alpha": 10.0, "eps": 0.2, "lr": 0.5, "dt": 0.5},
        "factors": {"loss": 5, "input": 1.0, "alpha": 10.0, "eps": 1.0},
        "steps": 20,
        "t": 10.0,
    }
    assert cli(*words, "--json", "c.json").code == 0
    assert json.loads((tmp_path / "c.json").read_text())["ours"] == written["ours"]


def test_steps_and_flow_time_are_inverse(cli):
    assert as_json(cli, *NTK, "--t", 50)["steps"] == pytest.approx(500, rel=1e-15)
    assert as_json(cli, *NTK, "--steps", 500)["t"] == pytest.approx(50, rel=1e-15)


def test_a_bundle_in_our_convention_is_its_own_numbers(cli, bundle):
    written = as_json(cli, "convention", "--bundle", bundle)
    assert written["yours"] == {"alpha": 3.0, "eps": 0.25, "lr": 0.07}
    assert written["ours"] == {"alpha": 3.0, "eps": 0.25, "lr": 0.07, "dt": pytest.approx(0.07 * 9 / 4, rel=1e-15)}
    assert (written["sizes"], written["steps"]) == ({"dim": 5, "n_train": 8, "width": 4}, 30)
    run = grokode.run(grokode.bundle.load(bundle), lazy=False)
    assert written["t"] == pytest.approx(run.t[-1], rel=1e-15)


def test_a_bundle_says_what_to_train_with_in_a_convention_of_ones_own(cli, bundle, tmp_path):
    how = {"loss": "sum", "half": True, "loss_over_alpha2": True, "output_scale": "1/sqrt(N)", "quadratic": "eps"}
    words = ("--loss", "sum", "--half", "--loss-over-alpha2", "--output-scale", "1/sqrt(N)", "--quadratic", "eps")
    yours = as_json(cli, "convention", "--bundle", bundle, *words)["yours"]
    assert yours["alpha"] == 1.5  # 3 / sqrt(4)
    given = grokode.bundle.load(bundle).arrays()
    grokode.bundle.save(tmp_path / "again.npz", **(given | yours), **how)
    again = grokode.bundle.load(tmp_path / "again.npz")
    assert (again.alpha, again.eps) == (3.0, 0.25)
    assert again.lr == pytest.approx(0.07, rel=1e-15)


def test_an_end_of_ones_own_replaces_the_bundle_s(cli, bundle):
    assert as_json(cli, "convention", "--bundle", bundle, "--steps", 7)["steps"] == 7
    written = as_json(cli, "convention", "--bundle", bundle, "--t", 6.3)
    assert (written["t"], written["steps"]) == (6.3, pytest.approx(40, rel=1e-15))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--steps", 5), "--steps needs --lr"),
        (("--t", 5, "--lr", 1), "--t needs --width"),
        (("--steps", 5, "--lr", 1, "--width", 2, "--loss", "sum"), "--steps needs --n-train"),
        ((*NTK[1:], "--steps", 5, "--t", 5), "steps 5 and t 5 both"),
        ((*NTK[1:], "--steps", 0), "steps must be positive and finite, got 0"),
        ((*NTK[1:], "--t", "nan"), "t must be a number, got nan"),
        (("--lr", -1), "lr must be positive and finite"),
        (("--alpha", 0, "--loss-over-alpha2"), "alpha must be positive and finite"),
        (("--alpha", "nan"), "alpha must be a number, got nan"),
        (("--eps", -1), "eps must be zero or positive"),
        (("--width", -3, "--output-scale", "1/sqrt(N)"), "width must be positive and finite, got -3"),
        (("--dim", 0, "--input-scale", "1/sqrt(D)"), "dim must be positive and finite, got 0"),
        (("--lr", 1, "--alpha", 1e200, "--width", 3), "dt must be positive and finite, got inf"),
        (("--loss", "mse"), "'mse' is not one of 'mean', 'sum'"),
        (("--width", "inf"), "'inf'"),
        (("--json", "no/c.json"), "no folder no"),
        (("--bundle", "nope.npz"), "no bundle nope.npz"),
        (("--bundle", "b.npz", "--lr", 1), "--lr 1.0 contradicts the bundle"),
        (("--bundle", "b.npz", "--n-train", 8), "--n-train 8 contradicts the bundle"),
        (("--bundle", "b.npz", "--json", "b.npz"), "--bundle"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("bundle")
def test_what_cannot_be_answered_is_one_line(cli, tmp_path, words, said):
    before = (tmp_path / "b.npz").read_bytes()
    ended = cli("convention", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("grokode: error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["b.npz"]
    assert (tmp_path / "b.npz").read_bytes() == before


def test_a_table_loads_no_heavy_library(tmp_path):
    code = (
        "import sys; sys.argv = ['grokode', 'convention', '--half']\n"
        "from grokode.cli.app import main\n"
        "try: main()\nexcept SystemExit as stop: code = stop.code\n"
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = ended.stderr.split()
    assert loaded[0] == "0"
    assert {"numba", "scipy", "matplotlib", "sympy"}.isdisjoint(loaded)
