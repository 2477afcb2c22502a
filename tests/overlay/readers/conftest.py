"""Logs to read: written into a folder of their own, and read or refused."""

import pytest

from grokode.errors import InvalidInput
from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import Columns, read_log


@pytest.fixture
def write(tmp_path):
    """Write a text under a name."""

    def make(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return make


@pytest.fixture(scope="session")
def curves():
    """Read a log: its name, and the step and value pairs of each loss."""

    def read(path, **columns):
        log = read_log(path, Columns(**columns))
        return {role: list(zip(c.step.tolist(), c.values.tolist(), strict=True)) for role, c in log.curves.items()}

    return read


@pytest.fixture(scope="session")
def refused():
    """A log is refused in one line with every word in it."""

    def check(path, *said, **columns):
        with pytest.raises(InvalidInput) as caught:
            read_log(path, Columns(**columns))
        line = str(caught.value)
        assert len(line.splitlines()) == 1
        for words in (str(path), *said):
            assert words in line

    return check


@pytest.fixture(scope="session")
def roles():
    return TRAIN, TEST
