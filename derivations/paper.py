"""The paper: where it is, and every formula of it in its own order, with the claims that judge it.

The walk goes through sections 4 to 6, 8 and 10 to 15 with their captions and footnotes. A formula is quoted character
by character. An equation that says two things has two tags; a letter that is only named has that of its definition.
"""

from __future__ import annotations

from dataclasses import dataclass

AUTHORS = "Tanishq Kumar, Blake Bordelon, Samuel J. Gershman and Cengiz Pehlevan"
TITLE = "Grokking as the transition from lazy to rich training dynamics"
WHERE = "arXiv:2310.06110"
CONVERSION = (
    "What is printed is quoted character by character from a conversion of the paper's PDF to LaTeX. Where a single "
    "mark is wrong, one that a conversion may lose, the outcome is 'transcription?'."
)


@dataclass(frozen=True)
class Place:
    """A formula of the paper, where it stands, and which claims are about it.

    Parameters
    ----------
    section : str
        A section such as ``5.3``, or ``figure 7`` or ``footnote 2``.
    latex : str
        As the paper has it.
    tags : tuple of str
    number : int, optional
        Of a displayed equation; both lines of a two-line equation bear it.
    """

    section: str
    latex: str
    tags: tuple[str, ...]
    number: int | None = None


WALK: tuple[Place, ...] = (
    Place("4.1", "f(w, x)", ("X1",)),
    Place(
        "4.1",
        r"f(\boldsymbol{w}, \boldsymbol{x}) \approx f(\boldsymbol{w}_0, \boldsymbol{x}) +"
        r" \nabla_{\boldsymbol{w}} f(\boldsymbol{w}, \boldsymbol{x})|_{\boldsymbol{w}_0} \cdot"
        r" (\boldsymbol{w} - \boldsymbol{w}_0).",
        ("N2",),
        number=1,
    ),
    Place(
        "4.1",
        r"K(\boldsymbol{x}, \boldsymbol{x}') = \nabla_{\boldsymbol{w}} f(\boldsymbol{w},"
        r" \boldsymbol{x})|_{\boldsymbol{w}_0} \cdot \nabla_{\boldsymbol{w}} f(\boldsymbol{w},"
        r" \boldsymbol{x}')|_{\boldsymbol{w}_0}",
        ("K2",),
        number=2,
    ),
    Place("4.1", "α^{-1}", ("N8",)),
    Place("4.1", r"\alpha \to \infty", ("N7",)),
    Place("4.1", "y(x)", ("X1",)),
    Place("5", r"P \sim D^k", ("Q4",)),
    Place("5", r"P \sim D", ("Q4",)),
    Place("5", r"D \ll P \ll D^k", ("Q4",)),
    Place("5", r"f(\boldsymbol{w}, \boldsymbol{x})", ("X1",)),
    Place("5", r"y(\boldsymbol{x})", ("X1",)),
    Place("5", r"\boldsymbol{x} \in \mathbb{R}^D", ("X1",)),
    Place(
        "5",
        r"f(\boldsymbol{w}, \boldsymbol{x}) = \frac{\alpha}{N} \sum_{i=1}^{N} \phi(\boldsymbol{w}_i"
        r" \cdot \boldsymbol{x}) , \quad \phi(h) = h + \frac{\epsilon}{2} h^2 , \quad"
        r" y(\boldsymbol{x}) = \frac{1}{2} (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^2",
        ("N1",),
        number=3,
    ),
    Place("5", r"\{(\boldsymbol{x}_{\mu},y_{\mu})\}_{\mu=1}^{P}", ("X1",)),
    Place("5", r"\boldsymbol{x}", ("X1",)),
    Place("5", r"\boldsymbol{x} \sim \mathcal{N}(0,\frac{1}{D}\boldsymbol{I})", ("X2",)),
    Place(
        "5",
        r"\bar{\boldsymbol{w}} = \frac{1}{N} \sum_{i=1}^{N} \boldsymbol{w}_i \in \mathbb{R}^D , \quad"
        r" \boldsymbol{M} = \frac{1}{N} \sum_{i=1}^{N} \boldsymbol{w}_i \boldsymbol{w}_i^{\top} \in"
        r" \mathbb{R}^{D \times D}",
        ("N4",),
        number=4,
    ),
    Place("5", r"f(x) = \alpha \bar{w}x + \frac{\alpha \epsilon}{2}x^{\top}Mx", ("F1",)),
    Place(
        "5",
        r"K(\boldsymbol{x}, \boldsymbol{x}') = \boldsymbol{x} \cdot \boldsymbol{x}' +"
        r" \epsilon(\boldsymbol{x} \cdot \boldsymbol{x}') \, \bar{\boldsymbol{w}} \cdot"
        r" (\boldsymbol{x} + \boldsymbol{x}') + \epsilon^2(\boldsymbol{x} \cdot \boldsymbol{x}') \,"
        r" \boldsymbol{x}^\top \boldsymbol{M} \boldsymbol{x}'",
        ("K1", "K5"),
        number=5,
    ),
    Place("5", r"\bar{w} = 0", ("K7",)),
    Place("5", "M = I", ("K13",)),
    Place("5", r"\lambda_{\text{lin}} = D^{-1}", ("S2",)),
    Place("footnote 2", r"\bar{w} , M", ("K14",)),
    Place("5", r"\lambda_{\rm quadr}=2\epsilon D^{-2}", ("S8",)),
    Place("5", "y(x)", ("X1",)),
    Place("5", r"P \sim \lambda_{\rm quadr}^{-1} = \frac{1}{2\epsilon} D^2", ("Q1",)),
    Place("5", r"\beta_\star \beta_\star^\top", ("L4",)),
    Place("5", r"β_\star", ("X1",)),
    Place("5", "y(X)", ("X1",)),
    Place("5", r"\frac{y^T K_0 y}{||K||_F||y||^2}", ("A7",)),
    Place("5", "K_0", ("A7",)),
    Place("5.1", r"\alpha \to \infty", ("N7",)),
    Place("5.3", r"(\bar{\boldsymbol{w}}, \boldsymbol{M})", ("N4",)),
    Place(
        "5.3",
        r"f = \alpha \bar{\boldsymbol{w}} \cdot \boldsymbol{x} + \frac{\alpha \epsilon}{2}"
        r" \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}",
        ("F1",),
    ),
    Place("footnote 3", r"β_{\star}", ("X1",)),
    Place("footnote 3", r"\sim \mathcal{O}(D \log D)", ("Q4",)),
    Place(
        "5.3",
        r"\mathcal{L} = \left\langle \left(y - f\right)^{2} \right\rangle = \frac{1}{4}"
        r" \underbrace{\left(\frac{1}{D} |\beta_{\star}|^{2} - \frac{\alpha \epsilon}{D} \text{Tr}"
        r" \boldsymbol{M}\right)^{2}}_{\text{variance error}} + \underbrace{\frac{1}{2D^{2}}"
        r" \left|\alpha \epsilon \boldsymbol{M} - \beta_{\star}"
        r" \beta_{\star}^{\top}\right|_{F}^{2}}_{\text{misalignment error}} +"
        r" \underbrace{\frac{\alpha^{2}}{D} |\bar{\boldsymbol{w}}|^{2}}_{\text{power in linear"
        " modes}}.",
        ("L1",),
        number=6,
    ),
    Place("5.3", r"\frac{1}{DN}\sum_i |w_i|^2 = \frac{1}{D}\sum_{j=1}^D M_{jj}", ("N11",)),
    Place("5.3", r"\frac{y^T K_0 y}{||K_0||_F ||y||}", ("A8",)),
    Place("5.3", r"M = \frac{1}{\alpha\epsilon} \beta_\star \beta_\star^\top", ("L4",)),
    Place("5.3", r"\bar{w} = 0", ("L4",)),
    Place("6.1", "j=1", ("X13",)),
    Place("6.1", "K_0(X,X)", ("X13",)),
    Place("6.1", "K_0(X,X)", ("X13",)),
    Place("6.1", r"\frac{y^T K_0 y}{||K_0||_F ||y||^2}", ("A11", "A7")),
    Place("6.1", r"j \approx 70", ("X14",)),
    Place("figure 5", r"X \in \mathbb{R}^{D \times P}", ("X13",)),
    Place("figure 5", r"j \in \{1, 70, 100\}", ("X13",)),
    Place("figure 6", r"\alpha=0.0001", ("X7",)),
    Place("figure 6", r"\alpha=0.15", ("X7",)),
    Place(
        "8.1",
        r"\tilde{f}(\boldsymbol{x}, \theta) = \alpha [f(\boldsymbol{x}, \theta) - f(\boldsymbol{x},"
        r" \theta_0)]",
        ("N5",),
        number=7,
    ),
    Place("8.1", r"\tilde{f}", ("N5",)),
    Place("8.1", r"\eta = \eta_0/\alpha^2", ("N6",)),
    Place("8.1", r"\frac{d}{dt}f|_{t=0}", ("N6",)),
    Place("figure 7", r"\alpha \sim \sigma^{-2}", ("N12",)),
    Place("figure 7", r"|\boldsymbol{w} - \boldsymbol{w}_0|/|\boldsymbol{w}_0|", ("N13",)),
    Place("figure 7", r"\sigma^2 \alpha", ("N12", "N15")),
    Place("8.3", r"a+b\equiv c \mod p", ("X3",)),
    Place("8.3", "D=2p", ("X3",)),
    Place("8.3", r"c \in \{0,1,\cdots,p-1\}", ("X3",)),
    Place("8.3", "N=100", ("X4",)),
    Place("8.3", "90%", ("X4",)),
    Place("8.3", "p^2", ("X4",)),
    Place("8.3", r"\eta=100", ("X4",)),
    Place("8.3", "p=23", ("X4",)),
    Place("8.3", r"p \in \{13,17,19,23,29,31\cdots\}", ("X5",)),
    Place("8.3.1", "5-100-100-5", ("X6",)),
    Place("figure 8", r"\alpha \to 0", ("X7",)),
    Place("figure 8", "0.001", ("X6",)),
    Place("8.3.2", "P = 50", ("X8",)),
    Place("figure 9", r"P \in \{50, 120, 500\}", ("X8",)),
    Place("10", r"\boldsymbol{y} \in \mathbb{R}^P", ("X1",)),
    Place("10", r"\boldsymbol{K} \in \mathbb{R}^{P \times P}", ("X1",)),
    Place("10", r"\equiv \mathbf{y}^{\top} \mathbf{K}^{-1} \mathbf{y} \gg 1.", ("Z3",), number=8),
    Place(
        "10",
        r"|\boldsymbol{w} - \boldsymbol{w}_0|^2 \sim \boldsymbol{y}^\top \boldsymbol{K}^{-1}"
        r" \boldsymbol{y}",
        ("Z2",),
        number=9,
    ),
    Place("10", "|w - w_0|^2", ("Z2", "N3")),
    Place("10", "w_0", ("X1",)),
    Place("11.1", r"\bar{w} = 0", ("K7",)),
    Place("11.1", "M = I", ("K13",)),
    Place(
        "11.1",
        r"K(\boldsymbol{x}, \boldsymbol{x}') = \boldsymbol{x} \cdot \boldsymbol{x}' + \epsilon^2"
        r" (\boldsymbol{x} \cdot \boldsymbol{x}')^2",
        ("K3",),
        number=10,
    ),
    Place("11.1", "p(x)", ("S0",)),
    Place(
        "11.1",
        r"\int d\mathbf{x} p(\mathbf{x}) K(\mathbf{x}, \mathbf{x}') \phi(\mathbf{x}) = \lambda"
        r" \phi(\mathbf{x}')",
        ("S0",),
        number=11,
    ),
    Place("11.1", r"\phi(x)", ("S0",)),
    Place("11.1", r"x \sim \mathcal{N}(0, D^{-1}I)", ("X2",)),
    Place(
        "11.1",
        r"\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i \rangle = \langle (\boldsymbol{x} \cdot"
        r" \boldsymbol{x}') x_i \rangle = \frac{1}{D} x_i'",
        ("S1",),
        number=12,
    ),
    Place("11.1", "x_i", ("S1",)),
    Place("11.1", r"\lambda_{lin} = \frac{1}{D}", ("S2",)),
    Place(
        "11.1",
        r"\left\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i^2 \right\rangle ="
        r" \frac{2\epsilon^2}{D^2} x_i^2 + \frac{\epsilon^2}{D^2} |\boldsymbol{x}'|^2 , \left\langle"
        r" K(\boldsymbol{x}, \boldsymbol{x}') |\boldsymbol{x}|^2 \right\rangle = \frac{\epsilon^2}{D}"
        r" \left(1 + \frac{2}{D} \right) |\boldsymbol{x}'|^2",
        ("S3", "S4"),
        number=13,
    ),
    Place("11.1", "D eigenfunctions", ("S10",)),
    Place(
        "11.1",
        r"\langle K(\boldsymbol{x}, \boldsymbol{x}')[x_i^2 - c|\boldsymbol{x}|^2] \rangle ="
        r" \frac{2\epsilon^2}{D^2} (x_i')^2 + \frac{\epsilon^2}{D^2} |\boldsymbol{x}'|^2 -"
        r" \frac{c\epsilon^2}{D} \left(1 + \frac{2}{D}\right) |\boldsymbol{x}'|^2",
        ("S5",),
        number=14,
    ),
    Place(
        "11.1",
        r"= \frac{2\epsilon^2}{D^2} \left[(x_i')^2 + \left(\frac{1}{2} - \frac{c}{2}(D+2)\right)"
        r" |\boldsymbol{x}'|^2 \right]",
        ("S6",),
        number=14,
    ),
    Place("11.1", "2c=c(D+2)-1", ("S7",)),
    Place("11.1", r"c=\frac{1}{D}", ("S7",)),
    Place("11.1", "D eigenfunctions", ("S10",)),
    Place("11.1", r"\lambda=\frac{2\epsilon^2}{D^2}", ("S9",)),
    Place("11.1", r"x_ix_j-c|\boldsymbol{x}|^2", ("S14",)),
    Place("11.1", r"i\neq j", ("S14",)),
    Place(
        "11.1",
        r"\langle K(\boldsymbol{x}, \boldsymbol{x}') x_i x_j \rangle = \frac{2\epsilon^2}{D^2} x_i'"
        " x_j'",
        ("S11",),
        number=15,
    ),
    Place("11.1", r"\frac{1}{2}(D^2-D)", ("S13",)),
    Place("11.1", r"\frac{2\epsilon^2}{D^2}", ("S9",)),
    Place("11.1", "|x|^2", ("S12",)),
    Place(
        "11.1",
        r"\langle K(\boldsymbol{x}, \boldsymbol{x}') | \boldsymbol{x} |^2 \rangle = \frac{1}{D}"
        r" \left(1 + \frac{2}{D} \right) | \boldsymbol{x}' |^2",
        ("S12",),
        number=16,
    ),
    Place("11.1", r"\frac{1}{D}(1+\frac{2}{D})", ("S12",)),
    Place(
        "11.1",
        r"y(\boldsymbol{x}) = \frac{1}{2} \left[(\boldsymbol{x} \cdot \boldsymbol{\beta}_{\star})^2 -"
        r" \frac{1}{D} |\boldsymbol{x}|^2 \right] + \frac{1}{2D} |\boldsymbol{x}|^2",
        ("S15",),
        number=17,
    ),
    Place("11.1", r"\frac{2\epsilon}{D^2}", ("S8",)),
    Place("11.1", r"\frac{1}{D}(1+\frac{2}{D})", ("S12",)),
    Place("11.1", r"\frac{1}{2D}|\mathbf{x}|^2", ("S15",)),
    Place("11.1", r"P\approx D", ("Q3",)),
    Place("11.1", r"P\approx D^2", ("Q7",)),
    Place(
        "11.2",
        r"K(\mathbf{x}, \mathbf{x}') = \mathbf{x} \cdot \mathbf{x}' + \epsilon(\mathbf{x} \cdot"
        r" \mathbf{x}') \bar{\mathbf{w}} \cdot (\mathbf{x} + \mathbf{x}') + \epsilon^2(\mathbf{x}"
        r" \cdot \mathbf{x}') \mathbf{x}^{\mathsf{T}} M \mathbf{x}'.",
        ("K1",),
        number=18,
    ),
    Place("11.2", r"\beta_{\star}\beta_{\star}^{\top}", ("A6",)),
    Place(
        "11.2",
        r"\frac{\langle"
        r" y(\boldsymbol{x})K(\boldsymbol{x},\boldsymbol{x}')y(\boldsymbol{x}')\rangle}{\sqrt{\langle"
        r" K(\boldsymbol{x},\boldsymbol{x}')^2\rangle}\langle y(\boldsymbol{x})^2\rangle}",
        ("A0",),
        number=19,
    ),
    Place(
        "11.2",
        r"\langle y(\boldsymbol{x})K(\boldsymbol{x},\boldsymbol{x}')y(\boldsymbol{x}')\rangle ="
        r" \frac{\epsilon^2}{D^2} \left[|\boldsymbol{\beta}_{\star}|^2 \left\langle"
        r" (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^2 \boldsymbol{x}^{\top} \boldsymbol{M}"
        r" \boldsymbol{x} \right\rangle + 2 \left\langle \boldsymbol{\beta}_{\star} \boldsymbol{M}"
        r" \boldsymbol{x} (\boldsymbol{\beta}_{\star} \cdot \boldsymbol{x})^3 \right\rangle \right]",
        ("A1",),
        number=20,
    ),
    Place(
        "11.2",
        r"= \frac{\epsilon^2}{D^4} |\boldsymbol{\beta}_{\star}|^4 \text{Tr} \boldsymbol{M} +"
        r" \frac{8\epsilon^2}{D^4} \boldsymbol{\beta}_{\star}^{\top} \boldsymbol{M}"
        r" \boldsymbol{\beta}_{\star} |\boldsymbol{\beta}_{\star}|^2",
        ("A2",),
        number=20,
    ),
    Place("11.2", r"\beta_{\star}\beta_{\star}", ("A6",)),
    Place("12", r"\{w_i\}", ("N14",)),
    Place("12", "v_i", ("N14",)),
    Place(
        "12",
        r"f(\boldsymbol{x}) = \frac{\alpha}{N} \sum_{i=1}^{N} v_i \phi(\boldsymbol{w}_i \cdot"
        r" \boldsymbol{x}) = \alpha \bar{\boldsymbol{w}} \cdot \boldsymbol{x} + \frac{\alpha"
        r" \epsilon}{2} \boldsymbol{x}^{\top} \boldsymbol{M} \boldsymbol{x}",
        ("N14", "N9"),
        number=21,
    ),
    Place("12", "ar{m{w}}", ("N10",)),
    Place("12", "m{M}", ("N10",)),
    Place(
        "12",
        r"\boldsymbol{M} = \frac{1}{N} \sum_{i=1}^{N} v_i \boldsymbol{w}_i \boldsymbol{w}_i^T,"
        r" \ \bar{\boldsymbol{w}} = \frac{1}{N} \sum_{i=1}^{N} v_i \boldsymbol{w}_i.",
        ("N10",),
        number=22,
    ),
    Place("12", r"\bar{w}", ("N10",)),
    Place(
        "12",
        r"K(\boldsymbol{x}, \boldsymbol{x}') = 2\boldsymbol{x} \cdot \boldsymbol{x}' +"
        r" \frac{3\epsilon^2}{2} (\boldsymbol{x} \cdot \boldsymbol{x}')^2 + \frac{\epsilon^2}{4}"
        r" |\boldsymbol{x}|^2 |\boldsymbol{x}'|^2",
        ("K4",),
        number=23,
    ),
    Place("12", r"\mathcal{O}(\epsilon D^{-2})", ("K6",)),
    Place("figure 12", r"\alpha=0.5", ("X9",)),
    Place("figure 12", "wd = 1", ("X9",)),
    Place("figure 12", "wd = 5", ("X10",)),
    Place("figure 12", r"\alpha=0.5", ("X9",)),
    Place("figure 12", r"\alpha=1.4", ("X10",)),
    Place("figure 12", "wd = 5", ("X10",)),
    Place("13", "linear in the amount of weight decay, κ", ("X11",)),
    Place("13", "drops by a factor of ten", ("X11",)),
    Place("13", r"O(\kappa)", ("D9",)),
    Place("14", "momentum = 0.95", ("X12",)),
    Place("15.1", r"(\beta_1 \cdot x + \beta_2 \cdot x)", ("V1",)),
    Place("15.1", r"(\beta_1 \cdot x + \beta_2 \cdot x + \beta_3 c dot x)", ("V2",)),
    Place("figure 14", "k=2", ("V4",)),
    Place("15.2", "simply the degree of the polynomial", ("V7",)),
    Place("15.2", "k=2", ("V4",)),
    Place("15.2", r"k\geq 3", ("V5",)),
    Place("15.2", "H_k", ("V3",)),
    Place("15.2", r"\phi(z)=z+\frac{\epsilon}{2}H_k(z)", ("V3",)),
    Place("15.2", "H_3,H_4", ("V5",)),
    Place("15.2", "k>2", ("V5",)),
    Place("15.2", "H_k", ("V3",)),
)
"""In the order in which a reader meets them."""
