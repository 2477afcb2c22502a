"""What is read off a state along a run, and what is found on the way."""

from ..registry import Entry, Registry

OBSERVABLES = Registry(
    "observable",
    {
        "losses": Entry("grokode.observables.losses:Losses", "train loss, exact and sample test loss"),
        "terms": Entry("grokode.observables.losses:LossTerms", "the three terms of the exact test loss"),
        "weights": Entry("grokode.observables.weights:Weights", "mean square weight, relative change"),
        "features": Entry("grokode.observables.weights:Features", "target overlap, largest eigenvalues of M"),
    },
)
