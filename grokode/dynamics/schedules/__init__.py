"""Schedules of the learning rate: each gives the factor of every step, a pure function of its number."""

from ...registry import Entry, Registry

SCHEDULES = Registry(
    "schedule",
    {
        "constant": Entry("grokode.dynamics.schedules.constant:Constant", "one learning rate, after a warm-up if any"),
        "cosine": Entry(
            "grokode.dynamics.schedules.cosine:Cosine", "half a cosine over steps=K, down to the part final=F of it"
        ),
        "step": Entry("grokode.dynamics.schedules.step:Step", "times gamma=G every=K steps"),
        "table": Entry("grokode.dynamics.schedules.table:FromTable", "factors of an npy file (path=FILE), one a step"),
    },
)
