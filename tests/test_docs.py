"""The pages in docs: their lines that hand a run over are run, on arrays that stand in for a framework's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer

import grokode
from grokode.cli.app import app

DOCS = Path(__file__).parents[1] / "docs"
FRAMEWORKS = ("pytorch", "keras")
D, N, P, P_TEST = 3, 4, 5, 6


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page(name), flags=re.MULTILINE | re.DOTALL)


def marked(name: str) -> str:
    (text,) = re.findall(
        r"^<!-- run on stand-in arrays -->\n```python\n(.*?)^```", page(name), flags=re.MULTILINE | re.DOTALL
    )
    return text


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "X_train": rng.standard_normal((P, D)),
        "y_train": rng.standard_normal(P),
        "X_test": rng.standard_normal((P_TEST, D)),
        "y_test": rng.standard_normal(P_TEST),
        "W0": rng.standard_normal((N, D)),
    }


class Tensor:
    """Converts as a tensor of PyTorch does: only when it is on the CPU and has no gradient."""

    def __init__(self, values, *, grad=False, gpu=False):
        self.values, self.grad, self.gpu = values, grad, gpu

    def detach(self):
        return Tensor(self.values, gpu=self.gpu)

    def cpu(self):
        return Tensor(self.values, grad=self.grad)

    def numpy(self):
        if self.gpu:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.numpy()


def stand_ins(name, arrays):
    """Return the names that the marked lines of a page take from the lines above them."""
    X, y, X_test, y_test, W0 = arrays.values()
    if name == "pytorch":
        weight = Tensor(W0, grad=True, gpu=True)
        model = SimpleNamespace(hidden=SimpleNamespace(weight=weight))  # Linear(D, N).weight is (N, D)
        X, y, X_test, y_test = (Tensor(array, gpu=True) for array in (X, y, X_test, y_test))
        return {"X": X, "y": y, "X_test": X_test, "y_test": y_test, "model": model}
    hidden = SimpleNamespace(get_weights=lambda: [W0.T])  # the kernel of Dense(N) is (D, N)
    return {"X": X, "y": y[:, None], "X_test": X_test, "y_test": y_test[:, None], "hidden": hidden}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_lines_that_save_a_bundle_save_the_right_one(name, arrays, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = {"alpha": 0.7, "eps": 0.2, "lr": 0.05}
    exec(compile(marked(name), name, "exec"), stand_ins(name, arrays) | numbers)
    saved = grokode.bundle.load(tmp_path / "bundle.npz").arrays()
    expected = arrays | numbers | {"centered": True}  # the pages write the network and the loss as grokode does
    assert saved.keys() == expected.keys()
    for key, value in expected.items():
        assert np.array_equal(saved[key], value), key


def test_tensors_handed_over_as_they_are_get_the_line_that_the_page_has(arrays, tmp_path):
    model = stand_ins("pytorch", arrays)["model"]
    given = arrays | {"W0": model.hidden.weight.cpu(), "alpha": 1.0, "eps": 0.0, "lr": 1.0, "centered": True}
    with pytest.raises(grokode.InvalidInput, match=r"W0\.detach\(\)\.cpu\(\)\.numpy\(\)"):
        grokode.bundle.save(tmp_path / "b.npz", **given)
    assert "model.hidden.weight.detach().cpu().numpy()" in marked("pytorch")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_page_of_a_framework_says_what_was_run_and_switches_double_precision_on(name):
    assert {"pytorch": "set_default_dtype(torch.float64)", "keras": 'set_floatx("float64")'}[name] in page(name)
    assert re.search(r"stand-in arrays; \w+ itself was not\s+run by them", page(name))
    for text in blocks(name, "python"):
        compile(text, name, "exec")


@pytest.mark.parametrize("name", sorted(path.stem for path in DOCS.glob("*.md")))
def test_commands_and_options_of_a_page_exist(name):
    commands = typer.main.get_command(app).commands
    lines = [line for text in blocks(name, "sh") for line in text.splitlines()]
    for verb, *words in (shlex.split(line)[1:] for line in lines if line.startswith("grokode ")):
        options = {option for parameter in commands[verb].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options
