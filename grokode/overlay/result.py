"""An overlay: logged losses beside the theory, how far they agree, and everything they came from."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..experiment.amended import described
from ..experiment.spec import Experiment, step_words
from .agreement import Agreement, pooled
from .compared import Compared
from .fit import Fit
from .log import Log


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlay:
    """What came of laying logs over the theory.

    Parameters
    ----------
    experiments : sequence of Experiment
        One for all logs, or one for each.
    logs : sequence of Log
        Their losses in units of the mean squared residual.
    compared : sequence of Compared
        Each logged loss beside the theory; one a loss where means are compared.
    notes : sequence of str
        What should be said, a line each.
    tolerance : float or None
        Of the check, in log loss.
    versions : mapping of str to str
    seconds : float
        Wall time of the theory.
    draws : int or None
        Draws of data and weights that the theory is the mean of.
    fit : Fit or None
    """

    experiments: Sequence[Experiment]
    logs: Sequence[Log]
    compared: Sequence[Compared]
    notes: Sequence[str]
    tolerance: float | None
    versions: Mapping[str, str]
    seconds: float
    draws: int | None = None
    fit: Fit | None = None

    @property
    def agreement(self) -> dict[str, Agreement]:
        """How far each loss is from the theory, over all logs."""
        names = dict.fromkeys(one.name for one in self.compared)
        return {name: pooled([one.agreement for one in self.compared if one.name == name]) for name in names}

    @property
    def drop_shift(self) -> float | None:
        """ln(t_data / t_theory) of the drop of the test loss; of several logs, the largest shift."""
        shifts = [one.drop_shift for one in self.compared if one.name == "loss_test"]
        return max((shift for shift in shifts if shift is not None), key=abs, default=None)

    @property
    def worst(self) -> Compared:
        """The logged loss that is furthest from the theory, beyond its resolution."""
        return max(self.compared, key=lambda one: one.agreement.max_log_beyond_resolution)

    @property
    def status(self) -> str:
        """``agrees`` or ``beyond_tolerance`` where there is a tolerance, else ``done``."""
        if self.tolerance is None:
            return "done"
        return "beyond_tolerance" if self.fault else "agrees"

    @property
    def fault(self) -> str:
        """What is beyond the tolerance; empty where nothing is, or there is none."""
        if self.tolerance is None:
            return ""
        for log in self.logs:
            if log.diverged:
                return f"{log.name} ends in NaN or infinity, and the theory does not"
        worst, beyond = self.worst, self.worst.agreement.max_log_beyond_resolution
        if beyond <= self.tolerance:
            return ""
        return f"{worst.log}: {worst.long_name} is {beyond:.3g} from the theory in log loss, beyond {self.tolerance:g}"

    @property
    def theory(self) -> str:
        """What the theory is of, in a line."""
        one = self.experiments[0]
        if len(self.experiments) > 1:
            return f"{described(one.optimizer)}, of each bundle's own arrays"
        training = f"{described(one.optimizer)}, {step_words(one)}, alpha {one.alpha:g}, eps {one.eps:g}"
        if self.draws is None:
            return f"{training}, of the bundle's own arrays"
        system = f"dim {one.dim}, n_train {one.n_train}, width {one.width}, sigma {one.sigma:g}, noise {one.noise:g}"
        return f"{training}, mean over {self.draws} fresh draws of {system}"

    @property
    def headline(self) -> str:
        """What a title says."""
        parts = []
        for name, one in self.agreement.items():
            if one.max_log is not None:
                within = " (within its resolution)" if one.max_log_beyond_resolution == 0 else ""
                errors = one.max_standard_errors
                of_errors = "" if errors is None else f" ({errors:.2g} standard errors)"
                parts.append(f"{name.removeprefix('loss_')} {one.max_log:.2g}{within}{of_errors}")
        return f"largest |Δ ln L|: {', '.join(parts)}"

    def __repr__(self) -> str:
        return f"Overlay({self.status}: {len(self.logs)} {'log' if len(self.logs) == 1 else 'logs'}, {self.headline})"

    def to_dict(self) -> dict[str, Any]:
        """Return the overlay as plain data, without NaN: the object of ``--json``."""
        return {
            "schema": "grokode.overlay/1",
            "status": self.status,
            "tolerance": self.tolerance,
            "agreement": {name: one.to_dict() for name, one in self.agreement.items()},
            "drop_shift": self.drop_shift,
            "draws": self.draws,
            "fit": None if self.fit is None else self.fit.to_dict(),
            "logs": [_log(log) for log in self.logs],
            "theory": [
                one.to_dict() | {"agreement": one.agreement.to_dict(), "drop_shift": _shift(one)}
                for one in self.compared
            ],
            "experiments": [one.model_dump(mode="json", exclude_none=True) for one in self.experiments],
            "notes": list(self.notes),
            "versions": dict(self.versions),
            "work": {"seconds": self.seconds},
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Return the agreement as a table, its header first."""
        several = len(dict.fromkeys(one.log for one in self.compared)) > 1
        found = [(one, one.agreement) for one in self.compared]
        columns = {
            "|d ln L|": [f"{one.log}: {one.long_name}" if several else one.long_name for one in self.compared],
            "points": [str(agreement.points) for _, agreement in found],
            "max": [_digits(agreement.max_log) for _, agreement in found],
            "at step": ["-" if agreement.step is None else str(agreement.step) for _, agreement in found],
            "rms": [_digits(agreement.rms_log) for _, agreement in found],
            "resolution": [_digits(agreement.resolution_log) for _, agreement in found],
            "beyond": [_digits(agreement.max_log_beyond_resolution) for _, agreement in found],
            "drop shift": [_digits(_shift(one)) for one in self.compared],
        }
        if any(agreement.left_out for _, agreement in found):
            columns["left out"] = [str(agreement.left_out) for _, agreement in found]
        if self.draws is not None:
            columns["in std errors"] = [_digits(agreement.max_standard_errors) for _, agreement in found]
        return [tuple(columns), *zip(*columns.values(), strict=True)]

    def _repr_html_(self) -> str:
        from ..plot.overlay import overlay_picture

        stream = io.BytesIO()
        overlay_picture(self).savefig(stream, format="png", dpi=100)
        image = base64.b64encode(stream.getvalue()).decode("ascii")
        lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self.rows())
        table = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<table>{table}</table><img src="data:image/png;base64,{image}"/>'


def _shift(one: Compared) -> float | None:
    return one.drop_shift if one.name == "loss_test" else None


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _log(log: Log) -> dict[str, Any]:
    """Return a log as plain data."""
    curves = {
        name: {
            "step": curve.step.tolist(),
            "values": curve.values.tolist(),
            "resolution": curve.resolution.tolist(),
            "window": curve.window.tolist(),
        }
        for name, curve in log.curves.items()
    }
    return {"name": log.name, "origin": log.origin, "notes": list(log.notes), "curves": curves}
