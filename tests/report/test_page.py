"""What the page holds, read back without a browser."""

import base64
import json
import re

import numpy as np
import pytest

from grokode.errors import InvalidInput
from grokode.report.page import page_of, write_page
from grokode.report.payload import LARGEST, payload_of

DATA = re.compile(rb'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def held(page):
    (text,) = DATA.findall(page)
    return json.loads(text)


def curves(payload):
    """Curves and times as the page's script reads them, shapes (cells, T)."""
    times = len(payload["t"])
    decoded = {one["name"]: base64.b64decode(one["values"]) for one in payload["curves"]}
    values = {name: np.frombuffer(content, "<f4").reshape(-1, times) for name, content in decoded.items()}
    cells = len(next(iter(values.values())))
    t = np.tile(np.array(payload["t"], dtype=float), (cells, 1))
    for cell, place, time in payload["moved"]:
        t[cell, place] = time
    return t, values


def test_every_scalar_is_there_to_the_last_digit(stored):
    data = stored((3, 4, 2), 10)
    payload = held(page_of(data, "s"))
    assert [axis["name"] for axis in payload["axes"]] == ["alpha", "eps", "seed"]
    for axis in payload["axes"]:
        assert axis["values"] == data[axis["name"]].values.tolist()
    for one in payload["scalars"]:
        values = data[one["name"]].values.ravel().tolist()
        assert one["values"] == [None if value != value else value for value in values], one["name"]
    scalars = {name for name in data.data_vars if "time" not in data[name].dims}
    assert {one["name"] for one in payload["scalars"]} == scalars


@pytest.mark.parametrize("ended", [False, True])
def test_curves_are_there_in_single_precision_at_their_own_times(stored, ended):
    data = stored((3, 4), 40, ended=ended)
    t, values = curves(held(page_of(data, "s")))
    for name in ("loss_train", "loss_test_exact"):
        kept = np.isfinite(values[name])
        np.testing.assert_array_equal(values[name], data[name].values.reshape(-1, 40).astype("f4"))
        np.testing.assert_array_equal(t[kept], data["t"].values.reshape(-1, 40)[kept])


def test_twenty_by_twenty_cells_with_two_hundred_times_fit_whole(stored):
    page = page_of(stored((20, 20), 200, ended=True), "s")
    payload = held(page)
    assert len(page) < LARGEST == 2_000_000
    assert (len(payload["t"]), payload["notes"]) == (200, [])


def test_longer_curves_are_thinned_and_the_page_says_so(stored):
    data = stored((20, 20), 600)
    page = page_of(data, "s")
    payload = held(page)
    assert 0.7 * LARGEST < len(page) <= LARGEST
    count = len(payload["t"])
    assert payload["notes"] == [f"Curves show {count} of 600 saved times, so that this page stays small."]
    assert (payload["t"][0], payload["t"][-1]) == (0, pytest.approx(1e4))
    gaps = np.diff(np.log(payload["t"][1:]))
    assert gaps.max() < 2.1 * gaps.min()  # even on a log scale, to one saved time
    t, values = curves(payload)
    np.testing.assert_allclose(values["loss_train"][7, -1], data.loss_train.values.reshape(-1, 600)[7, -1], rtol=1e-6)


def test_curves_that_do_not_fit_are_left_to_the_store(stored):
    payload = json.loads(payload_of(stored((20, 20), 200)).encoded(60_000))
    assert payload["curves"] == []
    assert payload["notes"] == ["The curves do not fit into this page; the store has them."]


def test_an_unfinished_sweep_says_so(stored):
    data = stored((3, 4), 10)
    data["status"][0, :2] = 0
    payload = held(page_of(data, "s"))
    assert payload["notes"] == ["2 of 12 cells are not computed yet."]
    assert dict(payload["about"])["cells"] == "2 pending, 10 done"


def test_no_text_of_a_store_gets_out_of_its_place(stored):
    data = stored((2, 2), 10)
    data["reason"][0, 0] = "</script><script>alert(1)</script>{{title}}"
    page = page_of(data, "<b>{{data}}")
    assert page.count(b"</script>") == 2
    assert b"alert(1)</script>" not in page
    assert held(page)["scalars"][-1]["values"][0] == "</script><script>alert(1)</script>{{title}}"
    assert b"<h1>Sweep &lt;b&gt;{{data}}</h1>" in page


def test_the_page_has_no_address(stored):
    page = page_of(stored((2, 2), 10), "s").decode()
    assert not re.findall(r"//\w|https?:", page)
    assert "default-src 'none'" in page


def test_the_experiment_and_versions_are_stated(stored):
    payload = held(page_of(stored((2, 2), 10), "s"))
    assert ["dim", 20] in payload["experiment"]
    about = dict(payload["about"])
    assert about["versions"] == "grokode 0.1, numpy 2"
    assert about["store"] == "grokode.sweep/1, configuration 0123456789abcdef"


def test_a_page_is_written_whole_or_not_at_all(stored, tmp_path, monkeypatch):
    data = stored((2, 2), 10)
    for name, words in (("s.txt", r"end in \.html, got .*s\.txt"), ("none/s.html", "no folder")):
        with pytest.raises(InvalidInput, match=words):
            write_page(data, tmp_path / name, "s")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_page(data, tmp_path / "s.html", "s")
    assert list(tmp_path.iterdir()) == []
