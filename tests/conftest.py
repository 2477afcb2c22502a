"""What all tests share, as fixtures: small problems, exact derivatives, an independent integrator, the command line."""

from __future__ import annotations

import gc
import os
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before NumPy loads: two threads on a busy machine are ten times slower

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.integrate

from grokode.cli import app
from grokode.dynamics.problem import Problem
from grokode.model.network import Network
from grokode.model.starts.gaussian import GaussianStart
from grokode.task.inputs.gaussian import Gaussian
from grokode.task.system import DrawnSystem
from grokode.task.targets import TARGETS

gc.set_threshold(50_000)  # thousands of tests are thousands of objects that stay: looking through them takes a tenth


def pytest_collection_finish(session):
    """Leave what was collected out of every later look for garbage."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Begin with the longest test: begun last, it would leave the other workers idle for its whole length."""
    items.sort(key=lambda item: item.name != "test_every_recipe_runs_in_order")


@pytest.fixture
def rng():
    """Give every test a generator of its own."""
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def make_problem():
    """Return a factory of small drawn problems; each case varies what it is about."""

    def make(
        *,
        dim=5,
        n_train=8,
        width=7,
        alpha=0.7,
        eps=0.3,
        centered=True,
        n_test=0,
        noise=0.0,
        sigma=1.0,
        covariance=None,
        target="single_index",
        seed=0,
    ):
        system = DrawnSystem(
            inputs=Gaussian.isotropic(dim) if covariance is None else Gaussian(covariance),
            target=TARGETS.build(target),
            start=GaussianStart(),
            n_train=n_train,
            n_test=n_test,
            width=width,
            sigma=sigma,
            noise=noise,
            seed=seed,
        )
        network = Network(alpha=alpha, eps=eps, centered=centered)
        return Problem.of(network, system.draw(network))

    return make


def _derivative(fun, x, d, h=0.5):
    """Five-point difference of fun at x along d: exact, but for rounding, up to polynomials of degree four.

    The loss is a polynomial of degree four in V and the force of degree three, so h need not be small.
    """
    return (8 * (fun(x + h * d) - fun(x - h * d)) - (fun(x + 2 * h * d) - fun(x - 2 * h * d))) / (12 * h)


@pytest.fixture(scope="session")
def derivative():
    """Directional derivative of a polynomial of degree at most four, to rounding."""
    return _derivative


@pytest.fixture(scope="session")
def gradient():
    """Gradient of a polynomial of degree at most four, to rounding."""

    def compute(fun, x):
        basis = np.eye(x.size).reshape(x.size, *x.shape)
        return np.array([_derivative(fun, x, e) for e in basis]).reshape(x.shape)

    return compute


@pytest.fixture(scope="session")
def reference_flow():
    """Integrate the gradient flow of a risk by SciPy alone (Radau in V, 1e-11): theta at the given times."""

    def solve(risk, theta0, times, rtol=1e-11):
        shape = theta0.shape
        result = scipy.integrate.solve_ivp(
            lambda t, y: risk.force(y.reshape(shape)).ravel(),
            (0.0, times[-1]),
            np.array(theta0).ravel(),
            method="Radau",
            t_eval=times,
            rtol=rtol,
            atol=rtol,
            jac=lambda t, y: risk.jacobian(y.reshape(shape)).dense(),
        )
        assert result.status == 0
        assert len(result.t) == len(times)
        return result.y.T.reshape(-1, *shape)

    return solve


@pytest.fixture(scope="session")
def promised_error():
    """Measure the error of the README, "How accurate": relative, with a floor far below what matters."""

    def error(values, reference, label):
        values, reference = np.asarray(values), np.asarray(reference)
        assert values.shape == reference.shape
        floor = 1e-3 * min(reference[0], label)
        return float(np.max(np.abs(values - reference) / np.maximum(reference, floor)))

    return error


@pytest.fixture
def planted_neurons(rng):
    """Real neurons with data and a target, as plain arrays: what no reduction has touched."""
    N, P, D = 6, 7, 4
    return SimpleNamespace(
        W=rng.standard_normal((N, D)),
        X=rng.standard_normal((P, D)),
        y=rng.standard_normal(P),
        alpha=0.8,
        eps=0.4,
    )


# ---- the command line


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``grokode WORD...`` as the console script does; the working folder is ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    # what main() changes of the process belongs to the process of a command, not to this one
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)

    def run(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["grokode", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            app.main()
        streams = capsys.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        return Ended(code, streams.out, streams.err)

    return run


@pytest.fixture
def executed(cli: Cli) -> Callable[[list[tuple[str, str]]], int]:
    """Run blocks of a page in order, in one empty folder; returns how many lines and blocks of Python there were."""

    def run(blocks: list[tuple[str, str]]) -> int:
        names: dict[str, object] = {}
        ran = 0
        for kind, text in blocks:
            if kind == "python":
                exec(compile(text, "page", "exec"), names)
                ran += 1
            elif kind == "sh":
                for line in text.strip().splitlines():
                    program, *words = shlex.split(line)
                    assert program == "grokode", line
                    ended = cli(*words)
                    assert ended.code == 0, f"{line}: {ended.err}"
                    ran += 1
        return ran

    return run
