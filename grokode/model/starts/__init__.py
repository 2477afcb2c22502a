"""Laws of the initial weights."""

from ...registry import Entry, Registry

STARTS = Registry(
    "start",
    {
        "gaussian": Entry(
            "grokode.model.starts.gaussian:GaussianStart", "w_i ~ N(0, sigma^2 I), drawn through its factor"
        ),
    },
)
