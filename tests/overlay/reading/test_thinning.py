"""What is kept of a long curve is bounded, chosen by its steps alone, and unchanged."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokode.overlay.readers import delimited, json_lines, read_log, source
from grokode.overlay.reading import gathering
from grokode.overlay.reading.thinning import ALL_BITS, MOST, Thinned


def thinned(steps, values, most=MOST, cuts=()):
    kept = Thinned(most)
    for piece in np.split(np.arange(len(steps)), sorted(cuts)):
        kept.add(np.array(steps, dtype=np.int64)[piece], np.array(values, dtype=float)[piece])
    return kept


def by_the_book(steps, values, most):
    """All steps with their last value, then the first of each bin of equal leading bits, few enough."""
    last = dict(zip(steps, values, strict=True))
    for bits in range(ALL_BITS, 0, -1):
        bins = {}
        for step in sorted(last):
            dropped = max(step.bit_length() - bits, 0)
            bins.setdefault((step >> dropped, dropped), step)
        if len(bins) <= most:
            return bits, sorted(bins.values()), [last[step] for step in sorted(bins.values())]
    raise AssertionError("one bin for each length is few")


ROWS = st.lists(st.tuples(st.integers(0, 3000) | st.integers(0, 10**15), st.floats(0, 1)), min_size=1, max_size=200)


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(ROWS, st.integers(64, 120), st.lists(st.integers(0, 200), max_size=4))
def test_what_is_kept_is_the_first_of_each_bin_however_it_is_cut(rows, most, cuts):
    steps, values = zip(*rows, strict=True)
    kept = thinned(steps, values, most, cuts)
    assert (kept.bits, kept.step.tolist(), kept.values.tolist()) == by_the_book(steps, values, most)
    assert kept.total == len(rows)
    assert kept.sorted == (list(steps) == sorted(steps))
    assert kept.repeated == sum(steps.count(step) > 1 for step in kept.step.tolist())


def test_each_doubling_has_bins_of_its_own():
    """Powers of two share their leading bit, and yet not a bin."""
    steps = [*range(4, 100), *(2**power for power in range(7, 50))]
    kept = thinned(steps, steps, most=64)
    assert (kept.bits, kept.step.tolist()[-43:]) == by_the_book(steps, steps, 64)[:1] + (steps[-43:],)


def test_order_is_watched_from_piece_to_piece():
    assert thinned([1, 2, 2, 3], [0, 0, 0, 0], cuts=[2]).sorted
    assert not thinned([1, 3, 2, 4], [0, 0, 0, 0], cuts=[2]).sorted


def test_a_curve_of_few_values_is_kept_whole(rng):
    steps = 10**6 + np.arange(MOST) * 1000
    kept = thinned(steps, steps / 7.0)
    assert kept.bits == ALL_BITS
    np.testing.assert_array_equal(kept.step, steps)
    np.testing.assert_array_equal(kept.values, steps / 7.0)


def test_a_long_curve_is_kept_evenly_on_a_logarithmic_axis():
    steps = np.arange(300_000)
    kept = thinned(steps, np.sqrt(steps), cuts=range(0, 300_000, 7919))
    assert MOST / 2 < len(kept.step) <= MOST
    np.testing.assert_array_equal(kept.values, np.sqrt(kept.step))
    below = 2**kept.bits
    np.testing.assert_array_equal(kept.step[:below], steps[:below])
    gaps = np.diff(kept.step[below:]) / kept.step[below:-1]
    assert gaps.max() <= 2.0 ** (1 - kept.bits)  # equal parts of each doubling: gaps differ by at most 2
    assert gaps.min() >= 2.0**-kept.bits * (1 - 2.0 ** (1 - kept.bits))


def make(kind, rows, path):
    with path.open("w") as stream:
        if kind == "csv":
            stream.write("step,loss_train,loss_test\n")
            stream.writelines(f"{step},{1 / (step + 3)!r},{2 / (step + 3)!r}\n" for step in range(rows))
        else:
            stream.writelines(f'{{"step": {step}, "loss": {1 / (step + 3)!r}}}\n' for step in range(rows))


def peak(path):
    tracemalloc.start()
    log = read_log(path)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return traced, log


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_rows(kind, tmp_path, monkeypatch):
    """With pieces a sixteenth of their size, so that few rows are many pieces."""
    monkeypatch.setattr(delimited, "ROWS", delimited.ROWS // 16)
    monkeypatch.setattr(json_lines, "ROWS", json_lines.ROWS // 16)
    monkeypatch.setattr(source, "BLOCK", source.BLOCK // 16)
    monkeypatch.setattr(gathering, "Thinned", lambda: Thinned(MOST // 16))
    few, many = tmp_path / f"few.{kind}", tmp_path / f"many.{kind}"
    make(kind, 3_000, few)
    make(kind, 15_000, many)
    read_log(few)  # imports are not counted
    (bound, _), (traced, log) = peak(few), peak(many)
    assert traced < 1.2 * bound  # the pieces are equal; strings of larger steps are a little longer
    assert traced < 4e6  # 15,000 rows as Python objects are 4 MB and more
    assert f"of {15_000} values kept" in log.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_ten_million_rows_take_less_than_200_MB(kind, tmp_path):
    import subprocess
    import sys

    path = tmp_path / f"long.{kind}"
    make(kind, 10_000_000, path)
    program = (
        "import resource, sys; from grokode.overlay.readers import read_log; log = read_log(sys.argv[1]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, log.curves['loss_train'].step[-1])"
    )
    result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    path.unlink()  # pytest would keep it
    megabytes, last = map(int, result.stdout.split())
    assert megabytes < 200
    assert last > 9_900_000
