"""The page of a sweep from the command line."""

import pytest

SWEEP = ("sweep", "--dim", 5, "--n-train", 8, "--width", 6, "--t-max", 10, "--points", 8, "--engine", "serial")


@pytest.fixture
def store(cli, tmp_path):
    assert cli(*SWEEP, "--alpha", "0.3,3", "--eps", "0.2,1", "--out", "s.zarr").code == 0
    return tmp_path


def test_a_page_is_written_beside_the_store_or_where_it_is_told(cli, store):
    ended = cli("report", "s.zarr")
    assert (ended.code, ended.err) == (0, "")
    assert "s.html" in ended.out
    assert cli("report", "s.zarr", "-o", "page.html").code == 0
    assert (store / "page.html").read_bytes() == (store / "s.html").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.zarr",), "no store none.zarr"),
        (("log.csv", "-o", "a.html"), "log.csv is not the store of a sweep"),
        (("s.zarr", "-o", "a.txt"), "a report must end in .html, got a.txt"),
        (("s.zarr", "-o", "none/a.html"), "no folder none"),
    ],
)
def test_bad_input_is_one_line(cli, store, words, said):
    (store / "log.csv").write_text("step,loss\n")
    before = sorted(path.name for path in store.iterdir())
    ended = cli("report", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err
    assert sorted(path.name for path in store.iterdir()) == before
