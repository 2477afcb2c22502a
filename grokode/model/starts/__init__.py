"""Laws of the initial weights."""

from ...registry import Entry, Registry

STARTS = Registry(
    "start",
    {
        "gaussian": Entry(
            "grokode.model.starts.gaussian:GaussianStart", "w_i ~ N(0, sigma^2 I), drawn through its factor"
        ),
        "interpolated": Entry(
            "grokode.model.starts.interpolated:InterpolatedStart",
            "(1 - s) w_i +/- s beta/sqrt(alpha eps), on the way from random weights (s=0) to a solution (s=1)",
        ),
    },
)
