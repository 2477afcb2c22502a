"""The bundle: the npz in which a user hands over a run of theirs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..convention import Convention, InputScale, Loss, OutputScale, Quadratic, Settings, Sizes
from ..dynamics.optimizers import OPTIMIZERS
from ..errors import GrokodeWarning, InvalidInput
from ..model.network import Network
from ..model.states.factor import FactorState
from ..model.states.neurons import NeuronState
from ..model.states.readouts import ReadoutState
from ..model.states.state import State
from ..registry import nearest
from ..task.data import Data
from ..task.inputs.gaussian import Gaussian
from ..task.system import GivenSystem, Law, Source, sample
from ..task.targets.quadratic import QuadraticTarget
from .amended import amended
from .arrays import array_of, checked
from .spec import GIVEN, PHYSICS
from .storage import read_npz, write_npz

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Bundle:
    r"""A run that someone else trained or will train: data, initial weights, hyperparameters.

    Parameters
    ----------
    X_train : array_like, shape (P, D)
    y_train : array_like, shape (P,)
    W0 : array_like, shape (N, D)
        Initial hidden weights, one row a neuron.
    alpha, eps : float
    lr : float or array_like, shape (n,)
        Learning rate on the mean squared residual (no 1/2) with parameters W; of all steps, or of each.
    centered : bool
        Whether the initial predictor was subtracted.
    v0 : array_like, shape (N,), optional
        Initial readouts; with them readouts are trained, at the learning rate of W. Without, they are 1 and stay it.
    hermite : int, optional
        The degree k of an activation h + eps/2 He_k(h); h + eps/2 h^2 without it.
    X_test, y_test : array_like, shape (P_test, D) and (P_test,), optional
    noise : float, optional
        Standard deviation of the noise already in ``y_train``; nothing is added.
    covariance : array_like, optional
        A scalar, (D,) or (D, D): declares x ~ N(0, covariance).
    beta_star : array_like, shape (D,), optional
        Declares the target (beta_star . x)^2 / 2.
    c, b, B : array_like, optional
        Declare the target c + b.x + x^T B x / 2; shapes (), (D,), (D, D).
    directions : array_like, shape (k, D), optional
        The directions of the target c, b, B, which overlaps are measured against; B's eigenvectors by default.
    momentum, weight_decay : float, optional
        Of the optimizer, as torch's SGD has them.
    nesterov, decoupled : bool, optional
        Whether momentum is Nesterov's; whether the decay shrinks weights beside the memory instead of entering it.
    batch_size : int, optional
    batch_order : array_like of int, shape (n,), optional
        Indices into the training set: step k saw entries k batch_size to (k + 1) batch_size - 1, modulo n.
    step : array_like of int, shape (n,), optional
        Where the curves were logged, increasing; the theory is saved at exactly those steps.
    loss_train, loss_test : array_like, shape (n,), optional
        What was logged there.
    loss_scale_train, loss_scale_test : float, optional
        How many times the mean squared residual logged losses hold, these and those of other files; 1 by default.

    Raises
    ------
    InvalidInput
        One line for a wrong shape, dtype, sign, or a number that is not finite.
    """

    X_train: ArrayLike
    y_train: ArrayLike
    W0: ArrayLike
    alpha: ArrayLike
    eps: ArrayLike
    lr: ArrayLike
    centered: ArrayLike
    v0: ArrayLike | None = None
    hermite: ArrayLike | None = None
    X_test: ArrayLike | None = None
    y_test: ArrayLike | None = None
    noise: ArrayLike | None = None
    covariance: ArrayLike | None = None
    beta_star: ArrayLike | None = None
    c: ArrayLike | None = None
    b: ArrayLike | None = None
    B: ArrayLike | None = None
    directions: ArrayLike | None = None
    momentum: ArrayLike | None = None
    nesterov: ArrayLike | None = None
    weight_decay: ArrayLike | None = None
    decoupled: ArrayLike | None = None
    batch_size: ArrayLike | None = None
    batch_order: ArrayLike | None = None
    step: ArrayLike | None = None
    loss_train: ArrayLike | None = None
    loss_test: ArrayLike | None = None
    loss_scale_train: ArrayLike | None = None
    loss_scale_test: ArrayLike | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None:
                object.__setattr__(self, item.name, checked(item.name, value))
            elif item.name in REQUIRED:
                raise InvalidInput(f"a bundle needs {', '.join(REQUIRED)}; {item.name} is missing")
        self._check_together()

    def arrays(self) -> dict[str, Array]:
        """Return every array that is present, by name."""
        present = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in present.items() if value is not None}

    @property
    def width(self) -> int:
        """Number of neurons N."""
        return len(np.asarray(self.W0))

    @property
    def dim(self) -> int:
        """Input dimension D."""
        return int(np.asarray(self.W0).shape[1])

    def target(self) -> QuadraticTarget | None:
        """Return the declared target, if any."""
        if self.beta_star is not None:
            return QuadraticTarget.from_directions(np.asarray(self.beta_star)[None], np.ones(1))
        if self.c is not None and self.b is not None and self.B is not None:
            directions = {} if self.directions is None else {"directions": np.asarray(self.directions)}
            return QuadraticTarget(float(np.asarray(self.c)), np.asarray(self.b), np.asarray(self.B), **directions)
        return None

    def parameters(self) -> dict[str, Any]:
        """Return the bundle as a source of experiment parameters."""
        values: dict[str, Any] = {
            "dim": self.dim,
            "n_train": len(np.asarray(self.y_train)),
            "width": self.width,
            "alpha": float(np.asarray(self.alpha)),
            "eps": float(np.asarray(self.eps)),
            "centered": bool(self.centered),
            "lr": float(np.max(self.lr)),
            "schedule": GIVEN if np.ndim(self.lr) else "constant",
            "noise": float(np.asarray(self.noise if self.noise is not None else 0.0)),
            "n_test": 0 if self.X_test is None else len(np.asarray(self.X_test)),
            "target": GIVEN,
            "start": GIVEN,
            "readouts": "fixed" if self.v0 is None else "trained",
        }
        if self.hermite is not None:
            values["hermite"] = int(np.asarray(self.hermite))
        trained = self._optimizer()
        if trained:
            values["optimizer"] = trained
        if self.step is not None:
            values |= {"steps": int(np.asarray(self.step)[-1]), "points": "bundle"}
        elif np.ndim(self.lr):
            values |= {"steps": len(np.asarray(self.lr))}
        return values

    def stated(self) -> dict[str, Any]:
        """Return what the bundle states of its optimizer, by the names of optimizers' parameters."""
        return {
            name: np.asarray(getattr(self, name)).item()
            for name in ("batch_size", "momentum", "nesterov", "weight_decay", "decoupled")
            if getattr(self, name) is not None
        }

    def _optimizer(self) -> str:
        """Return the optimizer that the bundle states, or nothing where plain descent is all it says."""
        stated = self.stated()
        if self.batch_order is not None:
            name = "sgd"
        elif "momentum" in stated:
            name = "nesterov" if stated.get("nesterov") else "heavy_ball"
        else:
            name = "gradient_descent"
        fields = {
            key: value for key, value in stated.items() if key in OPTIMIZERS.parameters(name) and value is not False
        }
        return amended(name, fields) if fields else ("" if name == "gradient_descent" else name)

    def refuse(self, flags: Mapping[str, Any]) -> None:
        """Refuse flags that contradict the arrays or would draw them again.

        Raises
        ------
        InvalidInput
        """
        for key, value in flags.items():
            if value is None:
                continue
            name = "--" + key.replace("_", "-")
            if key in PHYSICS:
                raise InvalidInput(f"{name} {value} contradicts the bundle, whose arrays fix it; leave the flag out")
            if key == "n_test" and self.X_test is not None:
                raise InvalidInput(f"{name} {value} would redraw the bundle's X_test; leave the flag out")
            if key == "covariance" and self.covariance is not None:
                raise InvalidInput(f"{name} {value} contradicts the bundle's covariance; leave the flag out")

    def start(self, network: Network) -> State:
        """Return the start of these neurons: a factor where training closes on it."""
        W0 = np.asarray(self.W0)
        if self.v0 is not None:
            return ReadoutState.from_neurons(W0, np.asarray(self.v0))
        return FactorState.from_neurons(W0) if network.closes else NeuronState.from_neurons(W0)

    def system(self, n_test: int, seed: int, declared: Gaussian | None, network: Network) -> GivenSystem:
        """Return the system of these arrays.

        An exact test loss exists where the law of the inputs and the target are declared and the labels
        agree with that target.

        Parameters
        ----------
        n_test : int
            Test points to draw where the bundle has none.
        seed : int
            Of those points.
        declared : Gaussian or None
            A law of the inputs declared outside the bundle.
        network : Network

        Raises
        ------
        InvalidInput
            If test points are to be drawn and no law or no target of theirs is declared.
        """
        train = Data(np.asarray(self.X_train), np.asarray(self.y_train))
        target, inputs = self.target(), self.inputs() or declared
        if n_test and self.X_test is None and (target is None or inputs is None):
            raise InvalidInput(
                f"n_test = {n_test} needs a target (beta_star, or c, b and B) and a covariance in the bundle to draw "
                "test points; add them, or X_test and y_test"
            )
        if target is not None and not self._labels_agree(train, target):
            target = None
        tests: dict[str, Source] = {}
        if target is not None and inputs is not None:
            _compare_spread(train, inputs)
            tests["exact"] = Law(inputs, target)
        if self.X_test is not None and self.y_test is not None:
            tests["sample"] = Data(np.asarray(self.X_test), np.asarray(self.y_test))
        elif n_test and target is not None and inputs is not None:
            tests["sample"] = sample(inputs, target, n_test, seed)
        directions = np.zeros((0, self.dim)) if target is None else target.directions
        return GivenSystem(train=train, start=self.start(network), tests=tests, directions=directions)

    def inputs(self) -> Gaussian | None:
        """Return the declared law of the inputs, if any."""
        if self.covariance is None:
            return None
        covariance = np.asarray(self.covariance)
        if covariance.ndim == 0:
            return Gaussian.isotropic(self.dim, float(covariance))
        return Gaussian(covariance)

    def _labels_agree(self, train: Data, target: QuadraticTarget) -> bool:
        noise = float(np.asarray(self.noise if self.noise is not None else 0.0))
        deviation = float(np.sqrt(np.mean((train.y - target(train.X)) ** 2)))
        # five standard errors of the noise's root mean square, and the rounding of float32 labels
        allowed = noise * (1 + 5 / np.sqrt(2 * len(train.y))) + 1e-4 * float(np.sqrt(np.mean(train.y**2)))
        if deviation <= allowed:
            return True
        warnings.warn(
            f"the labels differ from the bundle's declared target by {deviation:.3g} (root mean square), beyond "
            f"its noise {noise:g}: no exact test loss is computed from that target, and no test points are drawn",
            GrokodeWarning,
            stacklevel=2,
        )
        return False

    def _check_together(self) -> None:
        P, D = np.shape(self.X_train)
        if self.dim != D and self.width == D:
            raise InvalidInput(
                f"bundle: W0 of shape {np.shape(self.W0)} has one column a neuron beside X_train of shape {(P, D)}; "
                "it must have one row a neuron: pass W0.T"
            )
        shapes: dict[str, tuple[tuple[int, ...], ...]] = {
            "y_train": ((P,),),
            "W0": ((self.width, D),),
            "v0": ((self.width,),),
            "beta_star": ((D,),),
            "b": ((D,),),
            "B": ((D, D),),
            "directions": ((len(np.atleast_1d(np.asarray(self.directions))), D),),
            "covariance": ((), (D,), (D, D)),
        }
        if self.step is not None:
            shapes |= dict.fromkeys(("loss_train", "loss_test"), (np.shape(self.step),))
        if self.X_test is not None:
            shapes |= {"X_test": ((len(np.asarray(self.X_test)), D),), "y_test": ((len(np.asarray(self.X_test)),),)}
        for name, allowed in shapes.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) not in allowed:
                wanted = " or ".join(str(shape) for shape in allowed)
                raise InvalidInput(
                    f"bundle: {name} must have shape {wanted} beside X_train of shape {(P, D)}, got {np.shape(value)}"
                )
        if (self.X_test is None) != (self.y_test is None):
            raise InvalidInput("bundle: X_test and y_test come together; one of them is missing")
        self._check_optimizer(P)
        form = [name for name in ("c", "b", "B") if getattr(self, name) is not None]
        if form and len(form) < 3:
            raise InvalidInput(f"bundle: the target needs c, b and B together, got {', '.join(form)} only")
        if form and self.beta_star is not None:
            raise InvalidInput("bundle: beta_star and c, b, B declare the target twice; keep one")
        if self.inputs() is not None:
            self.target()  # both check their own numbers

    def _check_optimizer(self, n_train: int) -> None:
        """Refuse what the optimizer's numbers cannot be together."""
        if (self.batch_order is None) != (self.batch_size is None):
            missing = "batch_order" if self.batch_order is None else "batch_size"
            raise InvalidInput(f"bundle: batch_order and batch_size come together; {missing} is missing")
        if self.batch_order is not None:
            order, size = np.asarray(self.batch_order), int(np.asarray(self.batch_size))
            if order.min() < 0 or order.max() >= n_train:
                raise InvalidInput(
                    f"bundle: batch_order must list indices from 0 to {n_train - 1}, got {order.min()} to {order.max()}"
                )
            if size > n_train:
                raise InvalidInput(f"bundle: batch_size = {size} is more than the {n_train} training samples; lower it")
        if self.nesterov and not self.momentum:
            raise InvalidInput(f"bundle: nesterov needs a momentum above 0, got {self.momentum or 0:g}; give it")
        if self.decoupled and not self.weight_decay:
            raise InvalidInput("bundle: decoupled says how weights decay, and there is no weight_decay; give it")


def _compare_spread(train: Data, inputs: Gaussian) -> None:
    """Warn where the inputs cannot be of the declared law: a wrong covariance gives a wrong exact test loss."""
    found, declared = float(np.mean(np.sum(train.X**2, axis=1))), inputs.trace
    deviation = np.sqrt(2 * np.sum(inputs.matrix**2) / len(train.X))
    if abs(found - declared) > max(6 * deviation, 0.1 * declared):
        warnings.warn(
            f"the mean of |x|^2 is {found:.3g} on X_train and {declared:.3g} under the declared covariance; "
            "the exact test loss is that of the declared law",
            GrokodeWarning,
            stacklevel=3,
        )


REQUIRED = ("X_train", "y_train", "W0", "alpha", "eps", "lr", "centered")


def load(path: str | Path) -> Bundle:
    """Read a bundle.

    Raises
    ------
    InvalidInput
        If the file is not a readable npz of plain arrays, or what it holds is not a bundle.
    """
    arrays = read_npz(Path(path), "bundle")
    known = [item.name for item in fields(Bundle)]
    for name in arrays:
        if name not in known:
            raise InvalidInput(f"bundle {path} has an unknown array {name!r}; {nearest(name, known)}")
    for name in REQUIRED:
        if name not in arrays:
            raise InvalidInput(f"bundle {path} has no {name}; it needs {', '.join(REQUIRED)}")
    return Bundle(**arrays)


def save(
    path: str | Path,
    bundle: Bundle | None = None,
    *,
    loss: Loss = "mean",
    half: bool = False,
    loss_over_alpha2: bool = False,
    input_scale: InputScale = "1",
    output_scale: OutputScale = "1/N",
    quadratic: Quadratic = "eps/2",
    **arrays: ArrayLike | None,
) -> None:
    r"""Write a bundle, given as an object or as its arrays by name, in a convention of yours.

    What is written is in the conventions of grokode, which are the defaults; your network and loss are

    .. math:: f(x) = \alpha\, s \sum_{i=1}^N \phi(c\, w_i \cdot x), \qquad \phi(h) = h + q\, h^2, \qquad
              \mathcal L = k\, \tfrac1P \sum_\mu r_\mu^2

    Parameters
    ----------
    path : str or Path
    bundle : Bundle, optional
        In our conventions already.
    loss : {"mean", "sum"}
        Whether the loss that ``lr`` is for is the mean over the samples, or their sum.
    half : bool
        Whether it has 1/2 in front.
    loss_over_alpha2 : bool
        Whether it is divided by the square of your alpha.
    input_scale : {"1", "1/sqrt(D)"}
        c. A covariance and a target are those of your inputs, not of the scaled ones.
    output_scale : {"1/N", "1/sqrt(N)", "1"}
        s; readouts that are all the same number count into it, or into alpha.
    quadratic : {"eps/2", "eps"}
        q.
    **arrays : array_like
        The parameters of ``Bundle``: NumPy arrays, or what ``numpy.asarray`` takes. ``W0`` is (N, D), one row a
        neuron; labels may be (P,) or (P, 1). Logged losses stay as they are, and ``loss_scale_train`` and
        ``loss_scale_test`` say what they are of: the loss stated here, unless you give them yourself.

    Raises
    ------
    InvalidInput
        If what is given is not a bundle, or the file cannot be written.
    """
    convention = Convention(
        loss=loss,
        half=half,
        loss_over_alpha2=loss_over_alpha2,
        input_scale=input_scale,
        output_scale=output_scale,
        quadratic=quadratic,
    )
    if bundle is None:
        bundle = _in_ours(_given(arrays), convention)
    elif arrays or convention != Convention():
        raise InvalidInput("a Bundle is whole, in our conventions; give its arrays by name to add to it or convert it")
    write_npz(Path(path), bundle.arrays())


def _given(arrays: Mapping[str, ArrayLike | None]) -> Bundle:
    """Return a bundle of arrays by name, all of them still in the convention of their owner."""
    known = [item.name for item in fields(Bundle)]
    for name in arrays:
        if name not in known:
            choices = [item.name for item in fields(Convention)]
            raise InvalidInput(f"a bundle has no array {name!r}; {nearest(name, known + choices)}")
    values: dict[str, Any] = dict.fromkeys(REQUIRED)
    return Bundle(**(values | {name: _row(name, value) for name, value in arrays.items()}))


def _row(name: str, value: ArrayLike | None) -> ArrayLike | None:
    """Return labels that stand in a column, as frameworks have them, in a row."""
    if name in ("y_train", "y_test") and value is not None:
        array = array_of(name, value)
        return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    return value


def _in_ours(theirs: Bundle, convention: Convention) -> Bundle:
    """Return in our convention a bundle whose numbers are stated in another."""
    P, D = np.shape(theirs.X_train)
    alpha, eps, lr = (float(np.max(value)) for value in (theirs.alpha, theirs.eps, theirs.lr))
    summed = P if theirs.batch_size is None else int(np.asarray(theirs.batch_size))  # by the loss that lr is for
    ours = convention.to_ours(Settings(alpha=alpha, eps=eps, lr=lr), Sizes(n_train=summed, width=theirs.width))
    scales = {"loss_scale_train": convention.loss_scale(P, alpha)}
    if theirs.X_test is not None:
        scales["loss_scale_test"] = convention.loss_scale(len(np.asarray(theirs.X_test)), alpha)
    elif convention.loss == "mean":
        scales["loss_scale_test"] = scales["loss_scale_train"]
    elif theirs.loss_scale_test is None and not (theirs.loss_test is None and theirs.covariance is None):
        raise InvalidInput(
            "bundle: how many samples a logged test loss sums is not known without X_test; add X_test and y_test, "
            "or loss_scale_test, how many times the mean squared residual it is"
        )
    stated = {name: value for name, value in theirs.arrays().items() if name in scales}
    changed = _scaled(theirs, convention.input_factor(D)) | {
        name: scale for name, scale in scales.items() if scale != 1
    }
    if theirs.weight_decay is not None:  # a step takes lr weight_decay of the weights, in any convention
        changed["weight_decay"] = np.asarray(theirs.weight_decay) * (lr / ours.lr)
    rates = np.asarray(theirs.lr) * (ours.lr / lr)
    return replace(theirs, alpha=ours.alpha, eps=ours.eps, lr=rates, **(changed | stated))


def _scaled(bundle: Bundle, factor: float) -> dict[str, Array]:
    """Return what changes when the inputs are multiplied by a factor, and the function of them stays the same."""
    powers = {"X_train": 1, "X_test": 1, "covariance": 2, "beta_star": -1, "b": -1, "B": -2, "directions": -1}
    return {name: array * factor ** powers[name] for name, array in bundle.arrays().items() if name in powers}
