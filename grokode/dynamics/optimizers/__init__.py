"""Optimizers: each turns a risk into a flow or a map.

Facts of a class: ``steps`` (it gives a map), ``exact`` (a really trained network obeys it to rounding), ``follows`` and
``order`` (of a flow: which training in steps goes to it, and at which order in the step). Facts of an optimizer:
``monotone`` (the train loss cannot rise), ``certified`` (the certificate behind ``never`` holds for it).
"""

from ...registry import Entry, Registry

OPTIMIZERS = Registry(
    "optimizer",
    {
        "gradient_flow": Entry(
            "grokode.dynamics.optimizers.gradient_flow:GradientFlow", "dV/dt = F, the limit of small steps"
        ),
        "modified_flow": Entry(
            "grokode.dynamics.optimizers.modified_flow:ModifiedFlow",
            "dV/dt = F - (dt/2) F'F, descent with step dt to second order",
        ),
        "midpoint_flow": Entry(
            "grokode.dynamics.optimizers.midpoint_flow:MidpointFlow",
            "dV/dt = F(V - (dt/2) dV/dt), descent to second order too, at gradient_flow's cost on samples",
        ),
        "momentum_flow": Entry(
            "grokode.dynamics.optimizers.momentum_flow:MomentumFlow",
            "(1+mu)(dt/2) V'' + (1-mu) V' = F, heavy_ball with step dt to second order",
        ),
        "gradient_descent": Entry(
            "grokode.dynamics.optimizers.gradient_descent:GradientDescent",
            "V <- V + dt F, exactly what a really trained network does",
        ),
        "heavy_ball": Entry(
            "grokode.dynamics.optimizers.heavy_ball:HeavyBall", "descent with momentum, as torch's SGD has it"
        ),
        "nesterov": Entry(
            "grokode.dynamics.optimizers.nesterov:Nesterov", "descent with Nesterov's momentum, as torch's SGD has it"
        ),
        "sgd": Entry(
            "grokode.dynamics.optimizers.sgd:Sgd", "descent on mini-batches (batch_size=B), with momentum or without"
        ),
    },
    refused=dict.fromkeys(
        ("adam", "adamw", "adagrad", "adadelta", "rmsprop", "lion"),
        "each coordinate of it moves by a rule of its own, so the mean weights and their second moments do not close",
    ),
)
