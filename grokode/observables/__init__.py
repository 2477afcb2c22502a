"""What is read off a state along a run, what is known of all times, and what is found on the way."""

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

KERNEL_OBSERVABLES = Registry(
    "kernel observable",
    {
        "population": Entry("grokode.observables.kernel:OfPopulation", "alignment over the law of the inputs"),
        "train": Entry(
            "grokode.observables.kernel:OnTrainPoints", "alignments, norms and drift of the kernel on the training set"
        ),
        "test": Entry("grokode.observables.kernel:OnTestPoints", "alignments of the kernel on the test points"),
    },
)

CURVE_OBSERVABLES = Registry(
    "curve observable",
    {"lazy": Entry("grokode.observables.lazy:LazyLosses", "losses of the linearised network")},
)
