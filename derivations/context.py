"""What the paper says around its model: notation, set-ups, observations of other networks, results of others."""

from __future__ import annotations

from .claim import Definition, Entry, Formula, NotProvable

CLAIMS: tuple[Entry, ...] = (
    Definition(
        tag="X1",
        equation="sections 4, 5 and 10 to 12",
        title="what the letters stand for: inputs, weights, data sets, functions",
        printed=Formula(latex=r"\boldsymbol{x} \in \mathbb{R}^D"),
    ),
    Definition(
        tag="X2",
        equation="section 5, and section 11.1",
        title="the law of the inputs",
        printed=Formula(latex=r"\boldsymbol{x} \sim \mathcal{N}(0,\frac{1}{D}\boldsymbol{I})"),
    ),
    Definition(
        tag="X3",
        equation="section 8.3",
        title="the task of modular addition, on one-hot inputs",
        printed=Formula(latex=r"a+b\equiv c \mod p"),
    ),
    Definition(
        tag="X4",
        equation="section 8.3",
        title="the parameters with which modular addition is trained",
        printed=Formula(latex=r"\eta=100"),
    ),
    NotProvable(
        tag="X5",
        equation="section 8.3",
        title="modular addition groks for other p in the same way",
        printed=Formula(latex=r"p \in \{13,17,19,23,29,31\cdots\}"),
        why="It is an observation of trained networks with p outputs and trained readouts on one-hot inputs, which are "
        "not Gaussian: no average is known in closed form and no equation for the moments closes.",
    ),
    Definition(
        tag="X6",
        equation="section 8.3.1, and figure 8",
        title="the student-teacher task: architecture, and what counts as accurate",
        printed=Formula(latex=r"5-100-100-5"),
    ),
    NotProvable(
        tag="X7",
        equation="figures 6 and 8",
        title="a small output scale makes grokking of other networks vanish",
        printed=Formula(latex=r"\alpha \to 0"),
        why="It is an observation of deep ReLU and tanh networks and of a transformer, trained with AdamW. For this "
        "model α is a scale only (N8, N15), and what it does to the delay is measured, not derived: figure 3.",
    ),
    Definition(
        tag="X8",
        equation="section 8.3.2, and figure 9",
        title="the sizes of the training set that figure 9 compares",
        printed=Formula(latex=r"P \in \{50, 120, 500\}"),
    ),
    Definition(
        tag="X9",
        equation="figure 12",
        title="output scale and weight decay of the one-layer transformer in (a)",
        printed=Formula(latex=r"\alpha=0.5"),
    ),
    NotProvable(
        tag="X10",
        equation="figure 12",
        title="more weight decay makes grokking vanish, more laziness recovers it",
        printed=Formula(latex=r"wd = 5"),
        why="It is an observation of a one-layer transformer trained with AdamW and cross-entropy: three runs, in a "
        "model of which nothing here can be computed.",
    ),
    NotProvable(
        tag="X11",
        equation="section 13",
        title="how the time to generalise depends on the amount of weight decay",
        printed=Formula(latex=r"linear in the amount of weight decay, κ"),
        why="Liu et al. and Nanda et al. measured it on other networks. That the kernel moves at a rate of order κ "
        "(D9) does not give a time to generalise: that also depends on how far the kernel has to move, and where.",
    ),
    Definition(
        tag="X12",
        equation="section 14",
        title="the momentum of figure 13a",
        printed=Formula(latex=r"momentum = 0.95"),
    ),
    Definition(
        tag="X13",
        equation="section 6.1, and figure 5",
        title="the task whose labels are the j-th eigenvector of the initial kernel's matrix, on Gaussian inputs",
        printed=Formula(latex=r"j \in \{1, 70, 100\}"),
    ),
    NotProvable(
        tag="X14",
        equation="section 6.1",
        title="the eigenvector whose task groks",
        printed=Formula(latex=r"j \approx 70"),
        why="It is an observation of one trained network, on one draw of the data; that the alignment falls with j is "
        "proved (A11), the delay is not.",
    ),
)
