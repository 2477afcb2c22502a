"""Names of columns: what matters in them, and how near one is to that of a step or a loss."""

from __future__ import annotations

import re

from ..log import TEST, TRAIN

STEPS = (
    "step",
    "global_step",
    "trainer_global_step",
    "train_global_step",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "steps",
    "updates",
    "_step",
    "epoch",
    "epochs",
)
"""Names of a step, the first that is there is taken; W&B's ``_step`` counts calls of its logger."""

EPOCHS = frozenset({"epoch", "epochs"})
"""Steps only where each is one on the full batch."""

_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev"})
_LOSS = frozenset({"loss", "mse"})
_COMMON = frozenset({"step", "sample", "batch", "iteration", "iter", "total", "mean"})
_LATE = frozenset({"epoch", "exact"})
_PLURAL = {"losses": "loss", "steps": "step", "epochs": "epoch", "iterations": "iteration"}


def normal(name: str) -> str:
    """Return a name without what does not matter in it; a leading underscore stays."""
    return re.sub(r"(?<=.)[/.\-\s_]+", "_", name.strip().lower(), flags=re.DOTALL)


def shown(name: str) -> str:
    """Return a name as one short line of text."""
    short = name if len(name) <= 60 else name[:57] + "..."
    return short if short.isprintable() and short else repr(short)


def rank(name: str, role: str) -> int | None:
    """Return how far a name is from that of a loss; None if it is none of this kind.

    ``train_loss`` is nearest, then come ``train_loss_step``, ``loss``, ``total_loss``, ``train_loss_epoch`` and
    ``train_mse``. A loss of nothing in particular is that of the training set. Any other word, as in
    ``loss_scale``, makes it something else.
    """
    words = _words(name)
    mine = _TRAIN if role == TRAIN else _TEST
    roles = [word for word in words if word in mine]
    rest = set(words) - mine - _LOSS
    if not set(words) & _LOSS or rest - _COMMON - _LATE or (role == TEST and not roles):
        return None
    plain = len(words) == len(roles) + 1 and len(roles) <= 1
    return 8 * ("loss" not in words) + 4 * bool(rest & _LATE) + 2 * (not roles) + (not plain)


def is_loss(name: str) -> bool:
    """Tell whether a name is that of a loss."""
    return any(rank(name, role) is not None for role in (TRAIN, TEST))


def without_run(name: str) -> str:
    """Return the metric of a column that W&B calls ``run - metric``."""
    return name if is_loss(name) else name.rpartition(" - ")[2]


def _words(name: str) -> list[str]:
    """Return the words of a name, in the singular."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name[:200]).lower()
    name = re.sub(r"(train|test|val|valid|eval)(?=loss)", r"\1_", name)
    return [_PLURAL.get(word, word) for word in re.split(r"[^a-z0-9]+", name) if word]
