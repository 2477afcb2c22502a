"""Networks really trained elsewhere in float64, logged in each format by its usual writer, beside the theory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grokode_validate.network import CommitteeMachine

import grokode
from grokode.cli import app

D, P, N, STEPS = 8, 20, 6, 2000
ALPHA, EPS, LR = 1.5, 0.3, 2.4
EVERY = np.arange(0, STEPS + 1, 20)
"""The steps that are logged."""


@dataclass(frozen=True)
class Trained:
    """Losses after 0, 1, 2, ... steps, of a set-up in plain arrays."""

    arrays: dict[str, Any]
    loss_train: np.ndarray
    loss_test: np.ndarray


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    X, X_test = rng.standard_normal((P, D)) / np.sqrt(D), rng.standard_normal((50, D)) / np.sqrt(D)
    beta = rng.standard_normal(D)
    return {
        "X_train": X, "y_train": (X @ beta) ** 2 / 2, "W0": rng.standard_normal((N, D)), "alpha": ALPHA, "eps": EPS,
        "lr": LR, "centered": True, "X_test": X_test, "y_test": (X_test @ beta) ** 2 / 2,
    }  # fmt: skip


@pytest.fixture(scope="module")
def in_numpy(arrays) -> Trained:
    """Trained by explicit backpropagation in NumPy."""
    training = CommitteeMachine(alpha=ALPHA, eps=EPS, centered=True).train(
        arrays["W0"], arrays["X_train"], arrays["y_train"], lr=LR, record=range(STEPS + 1),
        tests={"test": (arrays["X_test"], arrays["y_test"])},
    )  # fmt: skip
    return Trained(arrays, training.loss_train, training.loss_test["test"])


@pytest.fixture(scope="module")
def in_jax(arrays) -> Trained:
    """Trained with JAX's automatic gradient, in the README's words."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    X, y, X_test, y_test, W0 = (jnp.asarray(arrays[k]) for k in ("X_train", "y_train", "X_test", "y_test", "W0"))

    def predict(W, X):
        h = X @ W.T
        return ALPHA / N * (h + EPS / 2 * h**2).sum(axis=1)

    def loss(W, X, y):
        return jnp.mean((predict(W, X) - predict(W0, X) - y) ** 2)

    @jax.jit
    def step(W):
        value, gradient = jax.value_and_grad(loss)(W, X, y)
        return W - LR * gradient, value, loss(W, X_test, y_test)

    W, train, test = W0, [], []
    for _ in range(STEPS + 1):
        W, *losses = step(W)
        train.append(losses[0])
        test.append(losses[1])
    assert W.dtype == np.float64
    return Trained(arrays, np.array(train), np.array(test))


@pytest.fixture(params=["in_numpy", "in_jax"])
def trained(request) -> Trained:
    return request.getfixturevalue(request.param)


# ---- writers: each the usual one of its format


def _rows(trained: Trained) -> list[dict[str, float]]:
    return [
        {"step": int(k), "loss_train": float(trained.loss_train[k]), "loss_test": float(trained.loss_test[k])}
        for k in EVERY
    ]


def write_csv(folder: Path, trained: Trained) -> Path:
    with (folder / "log.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["step", "loss_train", "loss_test"])
        writer.writeheader()
        writer.writerows(_rows(trained))
    return folder / "log.csv"


def write_json_lines(folder: Path, trained: Trained) -> Path:
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _rows(trained)))
    return folder / "log.jsonl"


def write_npz(folder: Path, trained: Trained) -> Path:
    losses = {"loss_train": trained.loss_train[EVERY], "loss_test": trained.loss_test[EVERY]}
    np.savez(folder / "log.npz", step=EVERY, **losses)
    return folder / "log.npz"


def write_four_digits(folder: Path, trained: Trained) -> Path:
    lines = [f"{row['step']},{row['loss_train']:.4g},{row['loss_test']:.4g}\n" for row in _rows(trained)]
    (folder / "rounded.csv").write_text("step,loss_train,loss_test\n" + "".join(lines))
    return folder / "rounded.csv"


def write_trainer_state(folder: Path, trained: Trained) -> Path:
    """As Hugging Face's Trainer does: the mean of the losses since the last report, rounded; eval_loss whole."""
    history: list[dict[str, float]] = []
    for last, step in zip(EVERY[:-1], EVERY[1:], strict=True):
        mean = round(float(trained.loss_train[last:step].mean()), 4)
        history.append({"epoch": float(step), "grad_norm": 1.0, "learning_rate": LR, "loss": mean, "step": int(step)})
        evaluated = {"eval_loss": float(trained.loss_test[step]), "eval_runtime": 0.1, "step": int(step)}
        history.append({"epoch": float(step), **evaluated})
    state = {"best_metric": None, "epoch": float(STEPS), "global_step": STEPS, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state, indent=2, sort_keys=True) + "\n")
    return folder / "trainer_state.json"


def write_tensorboard(folder: Path, trained: Trained) -> Path:
    pytest.importorskip("tensorboard")
    writer = pytest.importorskip("tensorboardX").SummaryWriter(str(folder / "runs"))
    for k in EVERY:
        writer.add_scalar("loss/train", trained.loss_train[k], int(k))
        writer.add_scalar("loss/test", trained.loss_test[k], int(k))
    writer.close()
    return folder / "runs"


def _frame(trained: Trained) -> Any:
    return pytest.importorskip("pandas").DataFrame(_rows(trained))


def write_wandb_csv(folder: Path, trained: Trained) -> Path:
    """As W&B exports a chart: a column for each run and metric, with its extremes beside it."""
    frame = _frame(trained).rename(columns={"step": "Step"})
    for name in ("loss_train", "loss_test"):
        values = frame.pop(name)
        for suffix in ("", "__MIN", "__MAX"):
            frame[f"run-1 - {name}{suffix}"] = values
    frame.to_csv(folder / "wandb.csv", index=False)
    return folder / "wandb.csv"


def write_wandb_json(folder: Path, trained: Trained) -> Path:
    """With ten decimals, as pandas does unless told otherwise."""
    frame = _frame(trained).rename(columns={"step": "_step", "loss_train": "train/loss", "loss_test": "test/loss"})
    frame.to_json(folder / "history.json", orient="records")
    return folder / "history.json"


def write_wandb_parquet(folder: Path, trained: Trained) -> Path:
    pytest.importorskip("pyarrow")
    frame = _frame(trained).rename(columns={"step": "_step", "loss_train": "train/loss", "loss_test": "val/loss"})
    frame.to_parquet(folder / "history.parquet")
    return folder / "history.parquet"


Writer = Callable[[Path, Trained], Path]

# what each format resolves of a train loss: float64; half a unit of the last digit of what the trained network's
# losses (2 down to 9e-4) are written with
WRITERS: dict[Writer, tuple[float, float]] = {
    write_csv: (0, 2.3e-16),
    write_json_lines: (0, 2.3e-16),
    write_npz: (0, 2.3e-16),
    write_four_digits: (1e-4, 5e-4),
    write_trainer_state: (1e-3, 1.0),
    write_tensorboard: (2e-8, 6.1e-8),
    write_wandb_csv: (0, 2.3e-16),
    write_wandb_json: (1e-9, 1e-5),
    write_wandb_parquet: (0, 2.3e-16),
}


def overlay(*words: object) -> int:
    try:
        code = app.app(["overlay", *map(str, words)], standalone_mode=False)
    except grokode.GrokodeError as error:
        return error.exit_code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_real_network_agrees_in_every_format_to_what_the_format_resolves(trained, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grokode.bundle.save("bundle.npz", **trained.arrays)
    log = write(tmp_path, trained)
    assert overlay(log, "--bundle", "bundle.npz", "--check", "1e-6", "--json", "a.json", "--no-plot") == 0
    agreement = json.loads(Path("a.json").read_text())["agreement"]
    assert set(agreement) == {"loss_train", "loss_test"}
    least, most = WRITERS[write]
    assert least <= agreement["loss_train"]["resolution_log"] <= most
    for found in agreement.values():
        assert found["points"] + found["left_out"] >= len(EVERY) - 1  # a mean since the last report has no step 0
        assert found["points"] > 0.8 * len(EVERY)
        # rounding of 2000 steps in float64 is far below the 1e-9 that an exact map promises
        assert found["max_log_beyond_resolution"] < 1e-9
        # a half unit relative to what was written: |ln(1 - r)| at most
        assert found["max_log"] <= -np.log(1 - min(found["resolution_log"], 0.999)) + 1e-9


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_one_percent_in_the_learning_rate_fails_the_check_in_every_format(trained, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grokode.bundle.save("bundle.npz", **trained.arrays | {"lr": 1.01 * LR})
    log = write(tmp_path, trained)
    assert overlay(log, "--bundle", "bundle.npz", "--check", "1e-6", "--no-plot") == 4
