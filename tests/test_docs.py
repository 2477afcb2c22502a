"""The pages in docs: their lines that hand a run over are run, on arrays that stand in for a framework's."""

from __future__ import annotations

import importlib.util
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


def commands_of(text: str) -> list[list[str]]:
    """Return the commands of a page, in blocks and in lines of text."""
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for kind, block in blocks if kind in ("sh", "") for line in block.splitlines()]
    lines += [" ".join(code.split()) for code in re.findall(r"(?<!`)`(grokode [^`]+)`", text)]
    return [shlex.split(line) for line in lines if line.startswith("grokode ")]


WRITTEN = [*sorted(DOCS.glob("*.md")), *sorted((DOCS / "notebooks").glob("*.md"))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_commands_and_options_of_a_page_exist(path):
    commands = typer.main.get_command(app).commands
    for _, verb, *words in commands_of(path.read_text(encoding="utf-8")):
        options = {option for parameter in commands[verb].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= {*options, "--help"}


def run_page(path, executed):
    """Run the cells and commands of a page in order, in the folder we are in; return how many there were."""
    text = path.read_text(encoding="utf-8")
    cells = re.findall(r"^```(sh|\{code-cell\} ipython3)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    blocks = []
    for kind, block in cells:
        if block.startswith("!"):
            blocks.append(("sh", block.removeprefix("!").partition(" 2> ")[0]))
        else:
            blocks.append(("sh" if kind == "sh" else "python", block))
    executed(blocks)
    return len(cells)


def test_the_page_of_clusters_runs(executed):
    pytest.importorskip("distributed", reason="the page has a dask cluster")
    pytest.importorskip("submitit", reason="the page has SLURM jobs, here as processes")
    assert run_page(DOCS / "cluster.md", executed) == 3


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_command_of_a_page_compares_a_log_with_its_bundle(name, arrays, cli):
    numbers = {"alpha": 0.7, "eps": 0.2, "lr": 0.05}
    exec(compile(marked(name), name, "exec"), stand_ins(name, arrays) | numbers)
    run = grokode.run(grokode.bundle.load("bundle.npz"), steps=20)
    steps = np.rint(run.t / (numbers["lr"] * numbers["alpha"] ** 2 / N))
    losses = np.column_stack([steps, run.curves["loss_train"].values])
    np.savetxt("log.csv", losses, delimiter=",", header="step,loss_train", comments="", fmt="%.17g")
    command = ["grokode", "overlay", "log.csv", "--bundle", "bundle.npz"]
    assert command in commands_of(page(name))
    ended = cli(*command[1:], "--check", "1e-9")
    assert ended.code == 0, ended.err


# ---- pages that are made of others


@pytest.fixture
def module():
    """Load a module of the folder of the docs."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    return load


README = (DOCS.parent / "README.md").read_text(encoding="utf-8")


def test_every_section_of_the_readme_is_a_page(module):
    pages = module("pages")
    chapters = re.findall(r"^## (.*)$", README, flags=re.MULTILINE)
    assert {*chapters} == {*pages.CHAPTERS.values(), "Recipes"}
    assert re.findall(r"^### (.*)$", README, flags=re.MULTILINE) == [*pages.RECIPES.values()]
    text = pages.section(README, "From the terminal")
    assert text.startswith("# From the terminal\n")
    assert "grokode presets" in text
    assert "### Sweeps" not in text
    assert "](../pytorch.md)" in pages.section(README, "Your logs beside the theory")
    with pytest.raises(ValueError, match="no section 'Nothing'"):
        pages.section(README, "Nothing")


def test_every_page_is_in_the_contents(module):
    pages = module("pages")
    listed = re.findall(r"^(?!:)([\w/-]+)$", (DOCS / "index.md").read_text(), flags=re.MULTILINE)
    made = {f"generated/{name}" for name in (*pages.RECIPES, *pages.CHAPTERS, "errata", "mathematics", "reference")}
    written = {str(path.relative_to(DOCS).with_suffix("")) for path in WRITTEN} - {"index"}
    assert {*listed} == made | written


def test_the_reference_has_every_public_name_once(module):
    text = module("pages").reference()
    named = re.findall(r"auto(?:class|function):: (\S+)", text)
    assert len(named) == len(set(named))
    rooms = {"bundle", "lazy", "overlay", "plot"}
    assert {f"grokode.{name}" for name in grokode.__all__ if name not in rooms} <= {*named}
    assert {f"grokode.plot.{name}" for name in grokode.plot.__all__} <= {*named}
    assert {"grokode.bundle.save", "grokode.bundle.load"} <= {*named}


def test_the_mathematics_has_every_claim_with_its_outcome(module):
    pages = module("pages")
    from grokode_derivations.report import prove

    text = pages.mathematics(list(prove(["N1", "N5", "F1"])))
    for tag, outcome in (("N1", "definition"), ("F1", "proved"), ("N5", "paper wrong: corrected here")):
        assert re.search(rf"^### {tag}: .*\n\n\*.*\*, {outcome}", text, flags=re.MULTILINE)
    assert text.count("```math") == 3


def test_links_that_lead_nowhere_are_told(module, tmp_path):
    links = module("links")
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text('<p id="here"><a href="sub/b.html#there">b</a><a href="#here">h</a></p>')
    (tmp_path / "sub" / "b.html").write_text('<p id="there"></p><a href="https://example.org">out</a>')
    assert links.broken(tmp_path) == []
    (tmp_path / "sub" / "b.html").write_text('<p id="there"></p><a href="../../out.html">out</a><meta name="n">')
    (tmp_path.parent / "out.html").touch()
    (tmp_path / "index.html").write_text('<a href="sub/b.html#n">b</a><style>@import "//example.org/a.css"</style>')
    (tmp_path / "s.css").write_text("p { background: url(https://example.org/b.png) } q { background: url(c.png) }")
    assert sorted(links.broken(tmp_path)) == [
        "index.html: //example.org/a.css is fetched from elsewhere",
        "index.html: no place sub/b.html#n",
        "s.css: https://example.org/b.png is fetched from elsewhere",
        "sub/b.html: no file ../../out.html",
    ]
    (tmp_path / "s.css").unlink()
    (tmp_path / "index.html").write_text('<p id="here"><a href="sub/b.html#there">b</a>')
    (tmp_path / "sub" / "b.html").write_text('<img src="no.png"><script src="https://example.org/x.js"></script>')
    assert sorted(links.broken(tmp_path)) == [
        "index.html: no place sub/b.html#there",
        "sub/b.html: https://example.org/x.js is fetched from elsewhere",
        "sub/b.html: no file no.png",
    ]
    assert "no page here" in links.broken(tmp_path / "nothing")[0]


def test_every_formula_becomes_mathml_with_nothing_left_of_its_latex():
    converter = pytest.importorskip("latex2mathml.converter", reason="formulas become MathML where docs are built")
    from grokode_derivations.claims import CLAIMS

    for claim in CLAIMS:
        for name in ("statement", "printed"):
            formula = getattr(claim, name, None)
            if formula is not None:
                text = re.sub("<[^>]*>", " ", converter.convert(formula.latex))
                assert not re.search(r"\\[a-zA-Z]|&#x0005C;", text), (claim.tag, text)
