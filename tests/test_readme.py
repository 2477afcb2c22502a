"""Everything in the README is run."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
SHELL = [text for kind, text in BLOCKS if kind == "sh"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


def test_the_first_two_blocks_are_the_two_commands() -> None:
    assert SHELL[0].split(" && ")[0] == SHELL[1].split(" && ")[0] == "python3 -m venv .venv"
    assert SHELL[0].strip().endswith(".venv/bin/grokode run")
    assert " && .venv/bin/pytest" in SHELL[1]
    assert "readme 1" in (ROOT / ".ci/run").read_text(), "CI takes both commands from here"
    assert "readme 2" in (ROOT / ".ci/run").read_text(), "CI takes both commands from here"


def of_jax(text: str) -> bool:
    """Whether a block belongs to the recipe in JAX, which is an extra."""
    return "import jax" in text or "jax.npz" in text


LONG = ("grokode derive --json claims.json", "grokode validate --json validate.json", 'fit="alpha,eps"')
"""What these are in takes half a minute each."""


def of_long(text: str) -> bool:
    """Whether a block has something that takes long."""
    return any(part in text for part in LONG)


@pytest.mark.filterwarnings("default::grokode.errors.GrokodeWarning")  # a command prints them
def test_every_recipe_runs_in_order(executed: Any, tmp_path: Path) -> None:
    blocks = [(kind, text) for kind, text in BLOCKS if text not in SHELL[:2] and not of_jax(text) and not of_long(text)]
    assert executed(blocks) > 15
    for name in ("grokode-run.png", "fig1.json", "fig1.svg", "run.npz", "run.pdf", "drawn-bundle.npz"):
        assert (tmp_path / name).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("default::grokode.errors.GrokodeWarning")
def test_the_long_recipes_run(executed: Any, tmp_path: Path) -> None:
    blocks = [(kind, text) for kind, text in BLOCKS if of_long(text)]
    assert len(blocks) == len(LONG)
    executed(blocks)
    for name in ("claims.json", "validate.json"):
        assert (tmp_path / name).stat().st_size > 0


def test_the_recipe_in_jax_runs_in_order(executed: Any) -> None:
    pytest.importorskip("jax", reason="the recipe trains in JAX")
    assert executed([(kind, text) for kind, text in BLOCKS if of_jax(text)]) >= 2


def test_paths_and_parameters_that_the_readme_names_exist() -> None:
    import grokode

    for path in re.findall(r"benchmarks/\w+\.py|docs/[\w-]+\.(?:png|md)|derivations/\w+\.md", README):
        assert (ROOT / path).is_file(), path
    for name in re.findall(r"^\| [^|]+ \| `(\w+)` \|", README, flags=re.MULTILINE):
        known = {*grokode.Experiment.model_fields, "loss_train", "loss_test_exact", "loss_test_sample", "t"}
        assert name in known, name
