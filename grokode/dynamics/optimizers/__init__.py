"""Optimizers: each turns a risk into a flow or a map.

Facts of a class: ``steps`` (it gives a map), ``exact`` (a really trained network obeys it to rounding),
``monotone`` (the train loss cannot rise), ``certified`` (the certificate behind ``never`` holds for it).
"""

from ...registry import Entry, Registry

OPTIMIZERS = Registry(
    "optimizer",
    {
        "gradient_flow": Entry(
            "grokode.dynamics.optimizers.gradient_flow:GradientFlow", "dV/dt = F, the limit of small steps"
        ),
        "gradient_descent": Entry(
            "grokode.dynamics.optimizers.gradient_descent:GradientDescent",
            "V <- V + dt F, exactly what a really trained network does",
        ),
    },
)
