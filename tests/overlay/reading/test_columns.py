"""Columns are found by what they are called, and a name that could be two is refused."""

import re

import pytest

from grokode.errors import InvalidInput
from grokode.overlay.log import TEST, TRAIN
from grokode.overlay.reading.columns import Columns, choose


def chosen(names, columns=Columns(), numeric=None):  # noqa: B008 (frozen)
    """The names of the columns taken: step, train, test."""
    choice = choose(names, columns, "log a.csv", names if numeric is None else numeric)
    losses = {role: column.name for role, column in choice.losses.items()}
    return choice.step.name, losses.get(TRAIN), losses.get(TEST)


GUESSES = [
    # as they are called here, and by the loggers that people use
    ("step loss_train loss_test", ("step", "loss_train", "loss_test")),
    ("step loss_train loss_test_exact loss_test_sample", ("step", "loss_train", "loss_test_sample")),
    ("epoch accuracy loss val_accuracy val_loss", ("epoch", "loss", "val_loss")),
    ("epoch step train_loss_epoch train_loss_step val_loss", ("step", "train_loss_step", "val_loss")),
    ("_step _runtime train/loss train/global_step eval/loss", ("train/global_step", "train/loss", "eval/loss")),
    ("trainer/global_step epoch train_loss val_loss", ("trainer/global_step", "train_loss", "val_loss")),
    ("Loss/train Loss/validation Step", ("Step", "Loss/train", "Loss/validation")),
    ("iter trainLoss testLoss", ("iter", "trainLoss", "testLoss")),
    ("iteration trainloss valloss", ("iteration", "trainloss", "valloss")),
    ("steps train_losses test_losses", ("steps", "train_losses", "test_losses")),
    ("step TRAINING-LOSS Evaluation.Loss", ("step", "TRAINING-LOSS", "Evaluation.Loss")),
    ("step mse loss val_mse val_loss", ("step", "loss", "val_loss")),
    ("step train_mse test_mse", ("step", "train_mse", "test_mse")),
    ("step total_loss train_loss", ("step", "train_loss", None)),
    ("step val_loss", ("step", None, "val_loss")),
    # other losses are not the loss
    ("step loss loss_scale loss_ema train_loss_ratio", ("step", "loss", None)),
]


@pytest.mark.parametrize(("names", "expected"), GUESSES)
def test_usual_names_are_found(names, expected):
    assert chosen(names.split()) == expected
    assert chosen(names.split()[::-1]) == expected  # wherever they stand


def test_a_column_of_words_is_no_guess():
    assert chosen(["step", "train_loss", "loss"], numeric=["step", "loss"]) == ("step", "loss", None)


def test_wandb_writes_the_run_in_front_and_a_band_beside():
    names = ["Step", "lucky-run - train/loss", "lucky-run - train/loss__MIN", "lucky-run - train/loss__MAX"]
    names += ["lucky-run - _step", "lucky-run - _step__MIN", "lucky-run - val/loss"]
    assert chosen(names) == ("Step", "lucky-run - train/loss", "lucky-run - val/loss")
    assert chosen(["Step", "test-run 3 - loss"]) == ("Step", "test-run 3 - loss", None)  # the run is no test
    assert chosen(["step", "train - loss", "val - loss"]) == ("step", "train - loss", "val - loss")


REFUSED = [
    ("Step|a - train/loss|b - train/loss", {}, ("a - train/loss or b - train/loss", "loss_train", "--train")),
    ("step|test_loss|val_loss|loss", {}, ("test_loss or val_loss", "loss_test", "--test")),
    ("step|Step|loss", {}, ("step or Step", "--step")),
    ("Step|a - x|a - x__MIN|a - x__MAX", {}, ("numeric columns: Step, a - x; name one",)),
    ("epoch|Epoch|loss", {}, ("epoch or Epoch", "--step")),
    ("time|loss", {}, ("no column named like a step", "time, loss", "--step")),
    ("step|accuracy", {}, ("no column named like a loss", "step, accuracy", "--train or --test")),
    ("step|loss", {"test": "vall_loss"}, ("no column vall_loss", "step, loss", "--test")),
    ("step|loss", {"step": "x@1"}, ("no column x@1", "--step")),
    ("step|loss", {"train": "loss", "test": "LOSS"}, ("different columns", "step, loss, loss")),
    ("step|loss", {"train": "step"}, ("no column named like a step", "--step")),
    ("step|loss|LOSS", {"train": "Loss"}, ("--train Loss", "loss or LOSS")),
    ("step|a\nb\x1b[2Jloss", {}, (r"'a\nb\x1b[2Jloss'",)),
]


@pytest.mark.parametrize(("names", "given", "said"), REFUSED)
def test_one_line_lists_the_columns_and_the_flag(names, given, said):
    with pytest.raises(InvalidInput) as caught:
        chosen(names.split("|"), Columns(**given))
    line = str(caught.value)
    assert line.startswith("log a.csv")
    assert line.isprintable()
    for words in ("numeric columns: ", *said):
        assert words in line


@pytest.mark.parametrize("spelled", ["valid/loss.1", "Valid_Loss_1", "VALID LOSS-1"])
def test_case_and_separators_do_not_matter(spelled):
    assert chosen(["step", "loss", "valid/loss.1"], Columns(test=spelled)) == ("step", "loss", "valid/loss.1")


def test_an_exact_name_goes_before_one_that_is_alike():
    assert chosen(["step", "Loss", "loss", "LOSS"], Columns(train="loss")) == ("step", "loss", None)


def test_what_is_named_is_not_guessed_again():
    assert chosen(["step", "val_loss"], Columns(train="val_loss")) == ("step", "val_loss", None)
    assert chosen(["step", "loss", "train_loss"], Columns(test="train_loss")) == ("step", "loss", "train_loss")
    assert chosen(["step", "epoch", "loss"], Columns(train="step", step="epoch")) == ("epoch", "step", None)


@pytest.mark.parametrize(("given", "name", "offset"), [("val_loss@1", "val_loss", 1), ("VAL/LOSS@-2", "val_loss", -2)])
def test_an_offset_is_split_from_the_name(given, name, offset):
    column = choose(["step", "val_loss"], Columns(test=given), "log a", ["step", "val_loss"]).losses[TEST]
    assert (column.name, column.offset) == (name, offset)


def test_a_name_that_looks_like_an_offset_is_a_name():
    column = choose(["step", "hits", "hits@1"], Columns(train="hits@1"), "log a", ["step"]).losses[TRAIN]
    assert (column.name, column.offset) == ("hits@1", None)
    column = choose(["step", "hits@1"], Columns(train="hits@1@3"), "log a", ["step"]).losses[TRAIN]
    assert (column.name, column.offset) == ("hits@1", 3)


def test_another_step_is_mentioned_but_not_an_epoch_beside_it():
    notes = choose(["step", "_step", "epoch", "loss"], Columns(), "log a", ["step", "_step", "epoch", "loss"]).notes
    assert notes == ("step taken from step; also there: _step",)
    assert choose(["step", "epoch", "loss"], Columns(), "log a", ["step", "epoch", "loss"]).notes == ()


def test_a_long_list_of_columns_is_cut():
    names = [f"metric_{index:03d}" * 20 for index in range(500)]
    with pytest.raises(InvalidInput, match=re.escape(", ...")) as caught:
        chosen(["step", *names])
    assert len(str(caught.value)) < 2000
