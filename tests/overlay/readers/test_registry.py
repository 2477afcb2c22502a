"""Every format is one entry, claimed by name and content; listing them imports nothing heavy."""

import json
import subprocess
import sys

import pytest

from grokode.overlay.readers import READERS, read_log

CLAIMS = [
    ("run/", b"", "tensorboard"),
    ("events.out.tfevents.17.host", b"\x18\0\0\0\0\0\0\0", "tensorboard"),
    ("a.parquet", b"PAR1", "parquet"),
    ("a", b"PAR1", "parquet"),
    ("a.npz", b"PK\x03\x04", "npz"),
    ("a", b"PK\x03\x04", "npz"),
    ("trainer_state.json", b"{", "hugging_face"),
    ("state.json", b'{\n "log_history": [', "hugging_face"),
    ("a.jsonl", b'{"step": 1}', "json_lines"),
    ("a.jsonl.gz", b'{"step": 1}', "json_lines"),
    ("a.json", b'{"step": 1}\n{"step": 2}\n', "json_lines"),
    ("a.json", b'{"step": 1}\n', "json"),
    ("a.json", b'{"step":\n{"step": 2}\n', "json"),
    ("a", b'[{"step": 1}]', "json"),
    ("a.txt", b'\xef\xbb\xbf {"step": [1]}', "json"),
    ("a.csv", b"step,loss\n", "table"),
    ("a.csv", b"\0\0", "table"),
    ("a.log", b"step loss\n", "table"),
    ("a.bin", b"\0\0", None),
]


@pytest.mark.parametrize(("name", "head", "expected"), CLAIMS)
def test_the_first_that_claims_a_log_reads_it(name, head, expected, tmp_path):
    claims = [kind for kind in READERS if READERS.build(kind).claims(tmp_path / name, head)]
    assert (claims[0] if claims else None) == expected


@pytest.mark.parametrize("kind", list(READERS))
def test_every_reader_says_what_it_reads(kind):
    assert READERS.summary(kind)
    assert READERS.load(kind).__doc__
    assert READERS.build(kind) == READERS.build(kind)  # it holds no state


def test_an_unknown_format_lists_the_known_ones(tmp_path, refused):
    (tmp_path / "a.bin").write_bytes(b"\0\1\2")
    refused(tmp_path / "a.bin", "cannot tell the format", *(READERS.summary(kind) for kind in READERS))


def test_optional_packages_are_imported_only_where_used(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"step": 1, "loss": 0.5}]))
    program = (
        "import sys; from grokode.overlay.readers import read_log; read_log(sys.argv[1]); "
        "print(sorted({'tensorboard', 'pyarrow', 'pandas', 'numba', 'matplotlib'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_log_is_only_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,0.5\n")
    path.chmod(0o400)
    before = path.stat()
    read_log(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
