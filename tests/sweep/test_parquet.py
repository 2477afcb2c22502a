"""The table of a sweep in parquet, which needs pyarrow."""

import pytest

from grokode.engines.serial import Serial
from grokode.sweep.conduct import conduct
from grokode.sweep.export import export, table
from grokode.sweep.layout import layout_of
from grokode.sweep.specification import sweep_of
from grokode.sweep.store import open_sweep

pytest.importorskip("pyarrow", reason="parquet needs pyarrow")


def test_the_table_comes_back(tmp_path):
    import pandas

    sweep, _ = sweep_of({"dim": 4, "n_train": 6, "t_max": 1.0, "points": 4, "alpha": "1,2"})
    conduct(sweep, layout_of(sweep), tmp_path / "s.zarr", Serial(), resume=False)
    data = open_sweep(tmp_path / "s.zarr")
    export(data, tmp_path / "s.parquet", "parquet")
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "s.parquet"), table(data), check_dtype=False)
