"""A run: its curves, its summary, and everything they came from."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curve import Curve
from ..dynamics.optimizers import OPTIMIZERS
from ..model.states.state import State
from ..outcome import Status, Work
from .amended import described
from .bundle import Bundle
from .spec import Experiment, step_words


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What came of an experiment.

    Curves are attributes by name: ``run.t``, ``run.loss_train``, ``run.loss_test_exact``.

    Parameters
    ----------
    experiment : Experiment
        All parameters.
    curves : mapping of str to Curve
        By name, ``t`` among them.
    summary : mapping
        Crossings, delay, peak and final losses; ``None`` where a number does not exist.
    status : Status
    work : Work
    versions : mapping of str to str
    bundle : Bundle or None
        The user's own arrays, where the run is of those.
    files : mapping of str to ndarray
        The arrays that the experiment names by path.
    states : sequence of State
        The state at every saved time, where they were asked for.
    crossed : sequence of mapping
        For every threshold that was asked for, what the summary says of it.
    final : mapping of str to float
        What was read at the end only.
    """

    experiment: Experiment
    curves: Mapping[str, Curve]
    summary: Mapping[str, Any]
    status: Status
    work: Work
    versions: Mapping[str, str]
    bundle: Bundle | None = None
    files: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    states: Sequence[State] = field(default=())
    crossed: Sequence[Mapping[str, Any]] = field(default=())
    final: Mapping[str, float] = field(default_factory=dict)

    @property
    def ill_conditioned(self) -> bool:
        """Whether rounding decides the curve; False too where nobody looked."""
        return bool(self.summary.get("ill_conditioned"))

    def __getattr__(self, name: str) -> NDArray[Any]:
        curves = self.__dict__.get("curves", {})
        if name in curves:
            return np.asarray(curves[name].values)
        raise AttributeError(f"this run has no {name!r}; its curves are {', '.join(curves)}")

    def __repr__(self) -> str:
        experiment = self.experiment
        return (
            f"Run({self.status}: alpha={experiment.alpha:g}, eps={experiment.eps:g}, dim={experiment.dim}, "
            f"n_train={experiment.n_train}, width={experiment.width}, {len(self.t)} points to t={self.t[-1]:g})"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.curves]

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain data, without NaN: the object of ``--json``."""
        return {
            "schema": "grokode.run/1",
            "experiment": self.experiment.model_dump(mode="json", exclude_none=True),
            "curves": {name: curve.values.tolist() for name, curve in self.curves.items()},
            "summary": dict(self.summary),
            "solver": {
                "method": self.work.method,
                "nfev": self.work.nfev,
                "njev": self.work.njev,
                "seconds": self.work.seconds,
                "steps": self.work.steps,
                "status": str(self.status),
            },
            "versions": dict(self.versions),
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return the summary as a table of two columns."""
        summary, digits = self.summary, "{:.6g}".format

        def crossing(name: str) -> str:
            t, status = summary[f"t_{name}"], summary[f"t_{name}_status"]
            if t is not None:
                return f"{digits(t)} ({status})"
            proof = summary["certificate"] if status == "never" else None
            text = (status or "no test loss").replace("_", " ")
            return (
                f"{text} (from t = {proof['t']:.3g} its root moves by at most {proof['bound']:.2g})" if proof else text
            )

        rows = [
            ("training", self._training()),
            ("status", str(self.status)),
            *([("ill-conditioned", f"yes, times {summary['amplification']:.1e}")] if self.ill_conditioned else []),
            ("threshold", str(summary["threshold"])),
            ("t_train", crossing("train")),
            ("t_test", crossing("test")),
            ("delay", "none" if summary["delay"] is None else digits(summary["delay"])),
        ]
        if summary["test_loss"] is not None:
            rows.append((f"peak test loss ({summary['test_loss']})", digits(summary["peak_loss_test"])))
            rows.append((f"final test loss ({summary['test_loss']})", digits(summary["final_loss_test"])))
        rows.append(("final train loss", digits(summary["final_loss_train"])))
        for name in ("exact", "sample"):
            loss = summary[f"kernel_regression_loss_{name}"]
            if loss is not None:
                rows.append((f"kernel regression ({name})", digits(loss)))
        if summary["kernel_condition"] is not None:
            rows.append(
                ("initial kernel", f"rank {summary['kernel_rank']}, condition {summary['kernel_condition']:.3g}")
            )
        looked = "ill_conditioned" in summary
        rows.append(
            ("guard", ("found it" if self.ill_conditioned else "agrees") if looked else "did not look; --guard does")
        )
        rows.append(("t reached", digits(self.t[-1])))
        rows.append(("solver", f"{self.work.method}, {self.work.nfev} evaluations, {self.work.seconds:.3g} s"))
        return rows

    def _training(self) -> str:
        """Say how it was trained; a flow alone knows no step."""
        experiment, optimizer = self.experiment, OPTIMIZERS.build(self.experiment.optimizer)
        if not (optimizer.steps or optimizer.order > 1):
            return described(experiment.optimizer)
        return f"{described(experiment.optimizer)}, {step_words(experiment)}"

    def _repr_html_(self) -> str:
        from ..plot.figure import picture

        stream = io.BytesIO()
        picture(self).savefig(stream, format="png", dpi=100)
        image = base64.b64encode(stream.getvalue()).decode("ascii")
        cells = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>" for name, value in self.rows()
        )
        return f'<table>{cells}</table><img src="data:image/png;base64,{image}"/>'


def number(value: float) -> float | None:
    """Return a number, or None for one that does not exist."""
    return None if math.isnan(value) else float(value)
