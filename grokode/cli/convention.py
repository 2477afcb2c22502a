"""``grokode convention``: a convention of yours in terms of ours, steps in terms of flow time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from ..convention import (
    UNKNOWN,
    Convention,
    InputScale,
    Loss,
    OutputScale,
    Quadratic,
    Settings,
    Sizes,
    Translation,
)
from ..errors import InvalidInput
from . import options, output
from .options import SYSTEM, TRAINING, option

STATED = "Your convention"


def command(
    loss: Annotated[Loss, option("--loss", panel=STATED, help="Over the samples; mean by default.")] = "mean",
    half: Annotated[
        bool, option("--half/--no-half", panel=STATED, help="The loss has 1/2 in front; not by default.")
    ] = False,
    loss_over_alpha2: Annotated[
        bool,
        option("--loss-over-alpha2", panel=STATED, help="The loss is divided by the square of your alpha."),
    ] = False,
    input_scale: Annotated[
        InputScale, option("--input-scale", panel=STATED, help="Factor of each w.x; 1 by default.")
    ] = "1",
    output_scale: Annotated[
        OutputScale,
        option("--output-scale", panel=STATED, help="Factor of the sum over neurons, beside alpha; 1/N by default."),
    ] = "1/N",
    quadratic: Annotated[
        Quadratic,
        option("--quadratic", panel=STATED, help="What is before h^2 in the activation; eps/2 by default."),
    ] = "eps/2",
    lr: Annotated[float | None, option("--lr", panel=TRAINING, help="Your learning rate, on your loss.")] = None,
    alpha: Annotated[float | None, option("--alpha", panel=SYSTEM, help="Your output scale, 1 by default.")] = None,
    eps: Annotated[float | None, option("--eps", panel=SYSTEM, help="Your weight of the quadratic part.")] = None,
    dim: options.Dim = None,
    n_train: Annotated[int | None, option("--n-train", panel=SYSTEM, help="Training samples P.")] = None,
    width: Annotated[int | None, option("--width", panel=SYSTEM, help="Neurons N.")] = None,
    steps: Annotated[int | None, option("--steps", panel=TRAINING, help="Steps, to convert to flow time.")] = None,
    t: Annotated[float | None, option("--t", panel=TRAINING, help="Flow time, to convert to steps.")] = None,
    bundle: options.BundleFile = None,
    json: options.Json = None,
) -> int:
    """State a training of yours in grokode's conventions: alpha, eps, learning rate, flow time.

    With --bundle, which is in grokode's, the other way round: 'yours' is what to train with in your convention.
    Large alpha is lazy; 'grokode run --bundle FILE' draws the linearised network beside the real one.
    """
    import json as encoder

    if json:  # the check brings libraries along that a table does without
        output.check(json=json, picture=None, inputs={"--bundle": bundle})
    convention = Convention(
        loss=loss,
        half=half,
        loss_over_alpha2=loss_over_alpha2,
        input_scale=input_scale,
        output_scale=output_scale,
        quadratic=quadratic,
    )
    stated = {"lr": lr, "alpha": alpha, "eps": eps, "dim": dim, "n_train": n_train, "width": width}
    length = {"steps": _number("steps", steps), "t": _number("t", t)}
    if bundle:
        translation = _of_bundle(convention, bundle, stated, length)
    else:
        numbers = {name: _number(name, value) for name, value in stated.items()}
        sizes = Sizes(dim=numbers["dim"], n_train=numbers["n_train"], width=numbers["width"])
        yours = Settings(alpha=1.0 if alpha is None else alpha, eps=numbers["eps"], lr=numbers["lr"])
        ours = convention.to_ours(yours, sizes)
        translation = Translation(convention=convention, sizes=sizes, yours=yours, ours=ours, **length)
    if (steps is not None or t is not None) and math.isnan(translation.dt):
        raise InvalidInput(f"{'--t' if steps is None else '--steps'} needs {_missing(translation)}; give that too")
    if json:
        output.write_json(encoder.dumps(translation.to_dict(), allow_nan=False), json)
    output.table(list(_rows(translation)), to_stderr=json == "-")
    return 0


def _number(name: str, value: float | None) -> float:
    """Return what a flag states; NaN is kept for what is not stated."""
    if value is not None and math.isnan(value):
        raise InvalidInput(f"{name} must be a number, got {value}")
    return UNKNOWN if value is None else value


def _of_bundle(
    convention: Convention, path: Path, stated: Mapping[str, float | None], length: dict[str, float]
) -> Translation:
    """Translate a bundle, which is in our convention and may say how long it was trained."""
    from ..experiment import bundle as bundles

    for name, value in stated.items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            raise InvalidInput(f"{flag} {value} contradicts the bundle, whose arrays fix it; leave the flag out")
    given = bundles.load(path).parameters()
    sizes = Sizes(dim=given["dim"], n_train=given["n_train"], width=given["width"])
    ours = Settings(alpha=given["alpha"], eps=given["eps"], lr=given["lr"])
    if all(map(math.isnan, length.values())):
        length = length | {"steps": given.get("steps", UNKNOWN)}
    yours = convention.from_ours(ours, sizes)
    return Translation(convention=convention, sizes=sizes, yours=yours, ours=ours, **length)


def _missing(translation: Translation) -> str:
    """Return the flag without which a step has no flow time."""
    if math.isnan(translation.yours.lr):
        return "--lr"
    return "--width" if math.isnan(translation.sizes.width) else "--n-train"


def _rows(translation: Translation) -> Iterator[tuple[str, str, str, str]]:
    """Yield a name, yours, ours, and how ours follows; a number that is not known is a question mark."""
    convention, yours, ours = translation.convention, translation.yours, translation.ours
    over = " / alpha^2" if convention.loss_over_alpha2 else ""
    below = [part for part, there in (("2", convention.half), ("your alpha^2", bool(over))) if there]
    k = " / ".join(["P" if convention.loss == "sum" else "1", *below])
    rooted = "" if convention.input_scale == "1" else " / sqrt(D)"
    scale = {"1/N": "alpha/N", "1/sqrt(N)": "alpha/sqrt(N)", "1": "alpha"}[convention.output_scale]
    to_alpha = {"1/N": "yours", "1/sqrt(N)": "yours x sqrt(N)", "1": "yours x N"}[convention.output_scale]
    yield "", "yours", "ours", "ours is"
    yield (
        "loss",
        f"{'1/2 ' if convention.half else ''}{convention.loss} of r^2{over}",
        "mean of r^2",
        "yours" if k == "1" else f"yours / k, k = {k} = {_show(translation.factors['loss'])}",
    )
    yield "pre-activation h", f"w.x{rooted}", "w.x", rooted and f"with x{rooted}"
    yield "activation", f"h + {convention.quadratic} h^2", "h + eps/2 h^2", ""
    yield "output", f"{scale} sum", "alpha/N sum", ""
    yield "alpha", _show(yours.alpha), _show(ours.alpha), to_alpha
    yield "eps", _show(yours.eps), _show(ours.eps), "yours" if convention.quadratic == "eps/2" else "yours x 2"
    yield "learning rate eta", _show(yours.lr), _show(ours.lr), "yours" if k == "1" else "yours x k"
    yield "dt, flow time of a step", "", _show(translation.dt), "eta alpha^2 / N"
    yield "steps, flow time t", _show(translation.steps), _show(translation.t), "steps x dt"


def _show(value: float) -> str:
    return "?" if math.isnan(value) else f"{value:.6g}"
