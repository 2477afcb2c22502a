"""Optimizers: each turns a risk into a flow or a map."""

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
