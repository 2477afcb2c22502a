"""The paper's figures: experiments first, then labelled data, then a picture."""

from __future__ import annotations

from ..registry import Entry, Registry


def _entry(name: str, summary: str) -> Entry:
    module, _, cls = name.partition(":")
    return Entry(f"grokode.figures.{module}:{cls}", summary)


FIGURES = Registry(
    "figure",
    {
        "1b": _entry("figure_1:Figure1b", "grokking on a polynomial, beside the network that stays lazy"),
        "1c": _entry("figure_1:Figure1c", "the weight norm rises while it groks, and the kernel turns to the task"),
        "3a": _entry("figure_3:Figure3a", "laziness alpha sets the delay"),
        "3b": _entry("figure_3:Figure3b", "so does the initial alignment, by eps"),
        "3e": _entry("figure_3e:Figure3e", "the amount of grokking over alpha and eps"),
        "4": _entry("figure_4:Figure4", "the test loss in its three terms"),
        "5": _entry("figure_5:Figure5", "labels that are eigenvectors of the initial kernel"),
        "7": _entry("figure_7:Figure7", "alpha and sigma^2 are one parameter"),
        "9": _entry("figure_9:Figure9", "too few, enough, and many samples"),
        "10": _entry("figure_10:Figure10", "a little alignment at the start"),
        "11": _entry("figure_11:Figure11", "trained readouts"),
        "13a": _entry("figure_13a:Figure13a", "gradient descent with momentum"),
        "14": _entry("figure_14:Figure14", "one, two and three directions"),
        "15": _entry("figure_15:Figure15", "Hermite polynomials of degree 2, 3 and 4"),
        "17": _entry("figure_17:Figure17", "accuracy moves with its threshold, the loss does not"),
        "18": _entry("figure_17:Figure18", "when half of the points are right, by the threshold"),
        "19": _entry("figure_19:Figure19", "kernel eigenvectors as labels, over the number of samples"),
        "widths": _entry("widths:Widths", "widths from 2 to 10,000 close in on the infinite one as N^-1/2"),
        "goldilocks": _entry("goldilocks:Goldilocks", "the delay over the number of samples and alpha"),
    },
)
