"""trainer_state.json: loss is a mean over the steps since the last report, rounded to four decimals."""

import json

import numpy as np
import pytest

from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.readers import Columns, read_log


def state(history):
    return json.dumps({"best_metric": None, "epoch": 2.0, "global_step": 50, "log_history": history, "max_steps": 50})


def trained(losses, every, first=False):
    """What a Trainer logs of losses before each step: the bookkeeping of its training loop."""
    history, total, last = [], 0.0, 0
    for step, loss in enumerate(losses.tolist(), start=1):
        total += loss  # of the batch before this step
        if step % every == 0 or (first and step == 1):
            mean = total / (step - last)
            history.append(
                {"epoch": step / 25, "grad_norm": 1.5, "learning_rate": 1e-3, "loss": round(mean, 4), "step": step}
            )
            total, last = 0.0, step
    return history


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("scale", [1.0, 300.0, 1e-3])
def test_a_value_is_the_mean_over_its_window_to_its_resolution(first, scale, write):
    losses = scale * np.exp(-np.arange(50) / 20)
    curve = read_log(write("trainer_state.json", state(trained(losses, 7, first)))).curves[TRAIN]
    assert curve.step.tolist() == [1, 7, 14, 21, 28, 35, 42, 49] if first else [7, 14, 21, 28, 35, 42, 49]
    assert curve.window.tolist() == np.diff(curve.step, prepend=0).tolist()
    means = [losses[step - window : step].mean() for step, window in zip(curve.step, curve.window, strict=True)]
    assert (np.abs(curve.values - means) <= curve.resolution * (1 + 1e-9)).all()  # 5e-5 is no float64
    assert curve.resolution == pytest.approx(5e-5)


HISTORY = [
    {"loss": 0.5, "step": 10},
    {"eval_loss": 0.40625, "eval_runtime": 1.2, "step": 10},
    {"loss": 0.25, "step": 20},
    {"loss": 0.125, "step": 40},
    {"eval_loss": 0.123456789012345678, "step": 40},
    {"train_loss": 0.3, "train_runtime": 9.9, "step": 40, "total_flos": 3},
]


def test_the_evaluation_is_at_its_step_and_the_summary_is_no_curve(write):
    log = read_log(write("trainer_state.json", state(HISTORY)))
    assert log.curves[TRAIN].window.tolist() == [10, 10, 20]
    assert log.curves[TRAIN].values.tolist() == [0.5, 0.25, 0.125]
    assert log.curves[TEST].step.tolist() == [10, 40]
    assert log.curves[TEST].window.tolist() == [0, 0]
    assert log.curves[TEST].resolution[0] < 1e-15
    assert log.notes == (
        "loss is the mean of the losses since the last report, each before its step",
        "eval_loss is the loss at its step",
    )


def test_a_loss_that_is_not_rounded_is_known_as_its_digits(write):
    history = [{"loss": value, "step": step} for step, value in enumerate([0.5, 0.123456], start=1)]
    assert read_log(write("trainer_state.json", state(history))).curves[TRAIN].resolution[1] == pytest.approx(5e-7)


def test_a_window_counts_from_every_report_the_nan_ones_too(write):
    history = [{"loss": value, "step": step} for step, value in ((5, 0.5), (10, float("nan")), (15, 0.25), (5, 0.75))]
    log = read_log(write("trainer_state.json", state(history)))
    assert log.curves[TRAIN].step.tolist() == [5, 15]
    assert log.curves[TRAIN].values.tolist() == [0.75, 0.25]
    assert log.curves[TRAIN].window.tolist() == [5, 5]


def test_an_offset_moves_the_steps_and_not_the_windows(write):
    log = read_log(write("trainer_state.json", state(HISTORY)), Columns(train="loss@3", step="step@100"))
    assert log.curves[TRAIN].step.tolist() == [113, 123, 143]
    assert log.curves[TRAIN].window.tolist() == [10, 10, 20]
    assert log.curves[TEST].step.tolist() == [110, 140]


def test_another_name_of_the_file(write):
    assert read_log(write("mine.json", state(HISTORY))).origin.startswith("Hugging Face Trainer ")


BROKEN = [
    ("{}", ("no log_history",)),
    ("[]", ("no log_history",)),
    (state([1]), ("no log_history of records",)),
    (state([]), ("named like a step",)),
    (state([{"step": 1, "eval_runtime": 2.0}]), ("named like a loss",)),
    (state(HISTORY)[:-9], ("cut short",)),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_one_line_says_what_is_wrong(text, said, write, refused):
    refused(write("trainer_state.json", text), *said)


def test_epochs_are_no_steps(write, refused):
    refused(write("trainer_state.json", state(trained(np.ones(50), 7))), "epoch holds 0.28", "--step", step="epoch")
