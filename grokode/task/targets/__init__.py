"""Targets: the quadratic form, laws that draw its directions, and laws that label given points."""

from ...registry import Entry, Registry

TARGETS = Registry(
    "target",
    {
        "single_index": Entry(
            "grokode.task.targets.single_index:SingleIndex", "scale/2 (beta.x)^2, B = scale beta beta^T"
        ),
        "multi_index": Entry(
            "grokode.task.targets.multi_index:MultiIndex", "half the weighted sum of k terms (beta_k.x)^2"
        ),
        "product": Entry("grokode.task.targets.product:Product", "(beta_1.x)(beta_2.x)"),
        "hermite": Entry(
            "grokode.task.targets.hermite:HermiteLaw",
            "He_k of beta.x in units of its deviation (sqrt(D) beta.x/|beta|)",
        ),
        "kernel_eigenvector": Entry(
            "grokode.task.targets.kernel_eigenvector:KernelEigenvector",
            "eigenvector k of the initial kernel on all points, its mean subtracted",
        ),
        "file": Entry("grokode.task.targets.file:FromFile", "x^T B x / 2 with the symmetric B of an npy file"),
    },
)
