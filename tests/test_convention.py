"""Stated conventions: a network really trained in each of them is the one that grokode runs in its own."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict

import numpy as np
import pytest

import grokode
from grokode.convention import Convention, Settings, Sizes, Translation, flow_time, learning_rate
from grokode.errors import InvalidInput

OPTIONS = {
    "loss": ("mean", "sum"),
    "half": (False, True),
    "loss_over_alpha2": (False, True),
    "input_scale": ("1", "1/sqrt(D)"),
    "output_scale": ("1/N", "1/sqrt(N)", "1"),
    "quadratic": ("eps/2", "eps"),
}
ALL = [dict(zip(OPTIONS, choice, strict=True)) for choice in itertools.product(*OPTIONS.values())]

D, N, P, P_TEST = 2, 3, 5, 4
ALPHA, EPS = 0.7, 0.3


class Theirs:
    """A network and its loss as their owner wrote them down, in plain NumPy."""

    def __init__(self, how, *, centered):
        rng = np.random.default_rng(3)
        self.how, self.centered = how, centered
        self.W0 = rng.standard_normal((N, D))
        self.train = rng.standard_normal((P, D)), rng.standard_normal(P)
        self.test = rng.standard_normal((P_TEST, D)), rng.standard_normal(P_TEST)

    def output(self, W, X):
        h = X @ W.T
        if self.how["input_scale"] == "1/sqrt(D)":
            h = h / math.sqrt(D)
        phi = h + EPS * h**2 if self.how["quadratic"] == "eps" else h + EPS / 2 * h**2
        total = ALPHA * phi.sum(axis=1)
        return {"1/N": total / N, "1/sqrt(N)": total / math.sqrt(N), "1": total}[self.how["output_scale"]]

    def loss(self, W, data):
        X, y = data
        residual = self.output(W, X) - y - (self.output(self.W0, X) if self.centered else 0)
        loss = np.sum(residual**2) if self.how["loss"] == "sum" else np.mean(residual**2)
        loss = loss / 2 if self.how["half"] else loss
        return loss / ALPHA**2 if self.how["loss_over_alpha2"] else loss

    def descend(self, gradient, steps):
        """Return their learning rate, and the weights after 0, 1, ..., steps steps of it."""
        weights = [self.W0]
        slope = gradient(lambda W: self.loss(W, self.train), self.W0)
        lr = 0.02 * np.linalg.norm(self.W0) / np.linalg.norm(slope)  # the first step moves the weights by 2 %
        for _ in range(steps):
            weights.append(weights[-1] - lr * gradient(lambda W: self.loss(W, self.train), weights[-1]))
        return lr, weights


@pytest.mark.parametrize("index", range(len(ALL)), ids=lambda index: " ".join(map(str, ALL[index].values())))
def test_training_in_a_stated_convention_is_the_run_of_its_bundle(tmp_path, gradient, index):
    how = ALL[index]
    theirs = Theirs(how, centered=bool(index % 2 ^ index // 3 % 2))  # each option meets both
    lr, weights = theirs.descend(gradient, steps=4)
    (X, y), (X_test, y_test) = theirs.train, theirs.test
    grokode.bundle.save(
        tmp_path / "b.npz",
        **how,
        X_train=X,
        y_train=y,
        X_test=X_test,
        y_test=y_test,
        W0=theirs.W0,
        alpha=ALPHA,
        eps=EPS,
        lr=lr,
        centered=theirs.centered,
        step=range(5),
    )
    bundle = grokode.bundle.load(tmp_path / "b.npz")
    run = grokode.run(bundle, keep_states=True, lazy=False)
    close = {"rel": 1e-13, "abs": 1e-14}  # rounding: 6e-15 was met, and the differences of a polynomial are exact
    for state, W in zip(run.states, weights, strict=True):
        assert np.asarray(state.wbar) == pytest.approx(W.mean(axis=0), **close)
        assert np.asarray(state.M) == pytest.approx(W.T @ W / N, **close)
    logs = {"loss_train": (run.loss_train, theirs.train), "loss_test": (run.loss_test_sample, theirs.test)}
    for name, (ours, data) in logs.items():
        scale = bundle.arrays().get(name.replace("loss", "loss_scale"), 1.0)
        assert scale * ours == pytest.approx([theirs.loss(W, data) for W in weights], **close)


@pytest.mark.parametrize("how", ALL, ids=lambda how: " ".join(map(str, how.values())))
def test_what_is_stated_there_and_back_is_the_same_and_lasts_as_long(how):
    convention, sizes = Convention(**how), Sizes(dim=D, n_train=P, width=N)
    yours = Settings(alpha=ALPHA, eps=EPS, lr=0.2)
    ours = convention.to_ours(yours, sizes)
    back = convention.from_ours(ours, sizes)
    assert asdict(back) == pytest.approx(asdict(yours), rel=1e-15)
    given = {"convention": convention, "sizes": sizes, "yours": yours, "ours": ours}
    there = Translation(**given, steps=40)
    assert there.t == pytest.approx(40 * flow_time(ours.lr, ours.alpha, N), rel=1e-15)
    assert Translation(**given, t=there.t).steps == pytest.approx(40, rel=1e-15)


def test_numbers_worked_out_by_hand():
    ntk = Convention(output_scale="1/sqrt(N)")  # MSELoss, alpha 1, 100 neurons
    ours = ntk.to_ours(Settings(alpha=1, eps=0.2, lr=0.1), Sizes(width=100))
    assert (ours.alpha, ours.eps, ours.lr) == (10.0, 0.2, 0.1)
    assert flow_time(ours.lr, ours.alpha, 100) == pytest.approx(0.1, rel=1e-15)
    paper = Convention(
        loss="sum", half=True, loss_over_alpha2=True, output_scale="1", input_scale="1/sqrt(D)", quadratic="eps"
    )
    ours = paper.to_ours(Settings(alpha=2, eps=0.2, lr=0.1), Sizes(n_train=50, width=100))
    assert (ours.alpha, ours.eps, ours.lr) == (200.0, 0.4, 0.625)  # 50 / 2 / 2^2 of 0.1
    assert paper.input_factor(25) == 0.2


def test_a_learning_rate_is_the_inverse_of_a_flow_time():
    assert learning_rate(flow_time(3.0, 0.7, 11), 0.7, 11) == pytest.approx(3.0, rel=1e-15)
    assert flow_time(1.0, 1e200, 1) == math.inf
    assert learning_rate(1.0, 1e200, 1) == 0
    assert learning_rate(1.0, 1e-200, 1) == math.inf


def test_what_is_not_stated_is_null_and_so_is_what_depends_on_it():
    convention, sizes = Convention(loss="sum", output_scale="1"), Sizes(dim=4)
    yours = Settings(alpha=2.0)
    translation = Translation(
        convention=convention, sizes=sizes, yours=yours, ours=convention.to_ours(yours, sizes), steps=9
    )
    written = translation.to_dict()
    assert written["yours"] == {"alpha": 2.0, "eps": None, "lr": None}
    assert written["ours"] == {"alpha": None, "eps": None, "lr": None, "dt": None}
    assert written["factors"] == {"loss": None, "input": 1.0, "alpha": None, "eps": 1.0}
    assert (written["steps"], written["t"]) == (9, None)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Convention(loss="median"), "loss must be 'mean' or 'sum', got 'median'"),
        (lambda: Convention(half=0.5), "half must be True or False, got 0.5"),
        (lambda: Convention(half=1), "half must be True or False, got 1"),
        (lambda: Convention(loss_over_alpha2="yes"), "loss_over_alpha2 must be True or False, got 'yes'"),
        (lambda: Convention(input_scale=1), r"input_scale must be '1' or '1/sqrt\(D\)', got 1"),
        (lambda: Convention(output_scale="1/n"), r"'1/N' or '1/sqrt\(N\)' or '1', got '1/n'"),
        (lambda: Convention(quadratic="1/2"), "quadratic must be 'eps/2' or 'eps', got '1/2'"),
        (lambda: Sizes(width=0), "width must be positive and finite, got 0"),
        (lambda: Settings(lr=-1.0), "lr must be positive and finite .*, got -1"),
        (lambda: Settings(eps=-1.0), "eps must be zero or positive and finite .*, got -1"),
        (lambda: Convention(output_scale="1").to_ours(Settings(alpha=1e300), Sizes(width=10**9)), "alpha .* got inf"),
        (lambda: Convention(output_scale="1").from_ours(Settings(alpha=1e-320), Sizes(width=10**9)), "alpha .* got 0"),
    ],
)
def test_what_is_no_convention_is_refused(make, said):
    with pytest.raises(InvalidInput, match=said):
        make()
