import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import grokode

PINNED = [
    "Bundle",
    "Data",
    "EmpiricalRisk",
    "Experiment",
    "FactorState",
    "Gaussian",
    "GrokodeError",
    "GrokodeWarning",
    "Hermite",
    "InvalidInput",
    "KernelReport",
    "Law",
    "Network",
    "NeuronState",
    "PopulationRisk",
    "QuadraticTarget",
    "ReadoutState",
    "Run",
    "RunFailed",
    "bundle",
    "kernel",
    "lazy",
    "load",
    "open_sweep",
    "overlay",
    "plot",
    "problem",
    "run",
    "save",
]


def test_the_public_names_are_pinned():
    assert grokode.__all__ == PINNED
    assert dir(grokode) == PINNED


@pytest.mark.parametrize("name", PINNED)
def test_every_public_name_loads_and_is_documented(name):
    value = getattr(grokode, name)
    assert value.__doc__
    if not isinstance(value, types.ModuleType):
        assert value.__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        grokode.rum  # noqa: B018


def is_module(package, name):
    try:
        importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError:
        return False
    return True


def test_what_type_checkers_see_is_what_is_loaded():
    tree = ast.parse(Path(grokode.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name  # the form that re-exports under mypy --strict
            module = "grokode" + (f".{node.module}" if node.module else "")
            seen[alias.name] = f"{module}{'.' if is_module(module, alias.name) else ':'}{alias.name}"
    assert seen == grokode._PUBLIC


def test_importing_grokode_imports_nothing_heavy(tmp_path):
    heavy = {"numpy", "scipy", "numba", "matplotlib", "sympy", "pydantic", "extensisq"}
    code = "import sys, grokode; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert "grokode" in output.split()
    assert heavy.isdisjoint(output.split())


def packages():
    yield grokode
    for info in pkgutil.walk_packages(grokode.__path__, "grokode."):
        if info.ispkg:
            yield importlib.import_module(info.name)


@pytest.mark.parametrize("package", list(packages()), ids=lambda package: package.__name__)
def test_no_public_function_bears_the_name_of_a_module_beside_it(package):
    """A module grokode/run.py would, once imported, replace the function grokode.run."""
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    functions = {name for name in dir(package) if inspect.isroutine(getattr(package, name))}
    functions |= {name for name in dir(package) if inspect.isclass(getattr(package, name))}
    assert modules.isdisjoint(functions)
