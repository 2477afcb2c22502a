"""Placement: where well-known trainers write a loss, at the step it belongs to or at the one before."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..log import TEST
from .gathering import Gathering
from .names import normal, shown, without_run

Placed = tuple[dict[str, int], tuple[str, ...]]

_TRAINER = frozenset(
    {"train_runtime", "eval_runtime", "train_global_step", "eval_samples_per_second", "train_train_runtime"}
)
"""What nobody but the Hugging Face Trainer logs, by itself or through W&B and TensorBoard."""


def keras(gathering: Gathering) -> Placed:
    """Place the losses of Keras: epochs from 0, the loss before the step of a full batch, val_loss after it."""
    if gathering.smallest() == 0:
        moved, notes = _moved(gathering, "Keras, epochs from 0 and each taken as one step on the full batch", "epoch")
        if moved:
            return moved, notes
    return {}, (_epochs(gathering),)


def lightning(gathering: Gathering) -> Placed:
    """Place the losses of Lightning, which counts a step only after the validation that follows it."""
    return _moved(gathering, "Lightning", "step")


def hugging_face(gathering: Gathering, names: Collection[str]) -> tuple[str, ...]:
    """Return a note on averages that only the log of the Hugging Face Trainer itself tells."""
    averaged = {"loss", "train_loss"} & {normal(column.alias) for column in gathering.choice.losses.values()}
    if not averaged or not _TRAINER & {normal(without_run(name)) for name in names}:
        return ()
    return (
        "looks like the Hugging Face Trainer, whose loss is a mean since its last report; it is taken as that of "
        "its step, unless trainer_state.json is read",
    )


def of_table(gathering: Gathering, names: Sequence[str], *, sparse: bool = False) -> Placed:
    """Place the losses of a table, by its columns and how they are filled.

    Parameters
    ----------
    gathering : Gathering
    names : sequence of str
        All columns.
    sparse : bool, optional
        Whether rows of one loss each beside an epoch speak of Lightning, as they do in CSV.
    """
    if averaged := hugging_face(gathering, names):
        return {}, averaged
    known = {normal(name) for name in names}
    step = normal(gathering.choice.step.alias)
    losses = [normal(column.alias) for column in gathering.choice.losses.values()]
    if step == "epoch" and losses == ["loss", "val_loss"]:
        return keras(gathering)
    if step == "trainer_global_step":  # as its logger for W&B calls it
        return lightning(gathering)
    if sparse and step == "step" and "epoch" in known and gathering.apart:
        return lightning(gathering)
    if step in ("epoch", "epochs"):
        return {}, (_epochs(gathering),)
    return {}, ()


def _moved(gathering: Gathering, who: str, what: str) -> Placed:
    """Move the test loss to one step later, where there are both losses and the user did not place it."""
    test = gathering.choice.losses.get(TEST)
    if test is None or test.offset is not None or any(not len(s.thinned.step) for s in gathering.series.values()):
        return {}, ()
    name = shown(test.name)
    why = f"{name} is measured after the {what} it is logged at, so it is moved to {what} + 1"
    return {TEST: 1}, (f"looks like {who}: {why} (--test {name}@0 leaves it)",)


def _epochs(gathering: Gathering) -> str:
    return f"each {shown(gathering.choice.step.name)} taken as one step on the full batch"
