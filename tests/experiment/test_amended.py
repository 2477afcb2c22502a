"""An optimizer named beside a bundle keeps what the bundle states of the training, and what it cannot keep is said."""

from __future__ import annotations

import numpy as np
import pytest

import grokode
from grokode.experiment.compose import compose
from grokode.experiment.exporting import export

ALPHA, WIDTH, DECAY = 0.5, 4, 0.02


@pytest.fixture
def arrays(rng) -> dict:
    return {
        "X_train": rng.standard_normal((6, 3)), "y_train": rng.standard_normal(6),
        "W0": rng.standard_normal((WIDTH, 3)), "alpha": ALPHA, "eps": 0.3, "lr": 0.02, "centered": True,
        "momentum": 0.8, "nesterov": True, "weight_decay": DECAY,
    }  # fmt: skip


RATE = DECAY * WIDTH / ALPHA**2


@pytest.mark.parametrize(
    ("named", "in_force", "left"),
    [
        ("nesterov", f"nesterov:momentum=0.8,weight_decay={DECAY}", ""),
        ("heavy_ball", f"heavy_ball:momentum=0.8,weight_decay={DECAY}", "nesterov = True"),
        ("gradient_descent", f"gradient_descent:weight_decay={DECAY}", "momentum = 0.8, nesterov = True"),
        ("gradient_flow", f"gradient_flow:decay_rate={RATE}", "momentum = 0.8, nesterov = True"),
        ("sgd:batch_size=2", f"sgd:batch_size=2,momentum=0.8,weight_decay={DECAY},nesterov=true", ""),
        ("nesterov:momentum=0.1,decay_rate=3", "nesterov:momentum=0.1,decay_rate=3", ""),
        ("gradient_flow:decay_rate=0", "gradient_flow:decay_rate=0", "momentum = 0.8, nesterov = True"),
    ],
)
def test_what_a_bundle_states_is_kept(arrays, named, in_force, left):
    composition = compose({"optimizer": named}, bundle=grokode.Bundle(**arrays))
    assert composition.experiment.optimizer == in_force
    assert [note.partition(" has: ")[2] for note in composition.notes] == [left] * bool(left)


def test_naming_the_bundles_own_optimizer_changes_nothing(arrays):
    bundle = grokode.Bundle(**arrays)
    named, plain = (grokode.run(bundle, steps=20, points=5, **extra) for extra in ({"optimizer": "nesterov"}, {}))
    assert named.experiment.optimizer == plain.experiment.optimizer
    np.testing.assert_array_equal(named.loss_train, plain.loss_train)


def test_another_unit_of_the_decay_replaces_the_bundles(arrays):
    assert compose({"decay_rate": 0.3}, bundle=grokode.Bundle(**arrays)).experiment.optimizer == (
        "nesterov:momentum=0.8,decay_rate=0.3"
    )


def test_batches_that_are_not_followed_are_said(arrays):
    bundle = grokode.Bundle(**arrays, batch_order=[0, 1, 2, 3], batch_size=2)
    assert "batch_size = 2" in compose({"optimizer": "nesterov"}, bundle=bundle).notes[0]
    assert not compose({"optimizer": "sgd"}, bundle=bundle).notes


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"momentum": 0.0}, "nesterov needs a momentum above 0, got 0"),
        ({"weight_decay": 0.0, "decoupled": True}, "decoupled says how weights decay, and there is no weight_decay"),
        ({"batch_order": [0, 1], "batch_size": 7}, "batch_size = 7 is more than the 6 training samples"),
    ],
)
def test_a_bundle_that_contradicts_itself_is_refused(arrays, stated, message):
    with pytest.raises(grokode.InvalidInput, match=message):
        grokode.Bundle(**arrays | stated)


def test_a_seed_beside_a_bundles_own_order_is_refused(arrays):
    bundle = grokode.Bundle(**arrays, batch_order=[0, 1, 2, 3], batch_size=2)
    with pytest.raises(grokode.InvalidInput, match="sgd:seed=3 would shuffle batches whose order the bundle gives"):
        grokode.run(bundle, optimizer="sgd:seed=3", steps=2)


def test_an_optimizer_named_beside_a_saved_run_takes_over_too(tmp_path):
    sizes = {"dim": 4, "n_train": 9, "width": 5, "steps": 5, "points": 3}
    grokode.save(grokode.run(**sizes, optimizer="nesterov:momentum=0.8,decay_rate=0.1"), tmp_path / "run.npz")
    composition = compose({"optimizer": "heavy_ball"}, saved=grokode.load(tmp_path / "run.npz"))
    assert composition.experiment.optimizer == "heavy_ball:momentum=0.8,decay_rate=0.1"
    assert "nesterov = True" in composition.notes[0]


@pytest.mark.parametrize(
    ("flow", "stated"),
    [
        ("momentum_flow:momentum=0.8", {"momentum": 0.8}),
        ("gradient_flow:decay_rate=0.1", {"weight_decay": 0.1 * 0.5**2 / 5}),
        ("gradient_flow", {}),
    ],
)
def test_an_exported_flow_states_the_training_that_it_follows(flow, stated):
    run = grokode.run(dim=4, n_train=9, width=5, alpha=0.5, optimizer=flow, dt=0.1, t_max=5.0, points=5)
    assert export(run).stated() == pytest.approx(stated)


@pytest.mark.parametrize(("steps", "saved"), [(2, [0, 2]), (50, [0, 20, 40, 50]), (60, [0, 20, 40, 60])])
def test_the_end_that_is_asked_for_is_saved_beside_a_bundles_own_steps(arrays, steps, saved):
    run = grokode.run(grokode.Bundle(**arrays, step=[0, 20, 40, 60]), steps=steps)
    np.testing.assert_array_equal(run.step, saved)


def test_another_end_than_a_bundles_steps_is_said(arrays):
    said: list[str] = []
    grokode.run(grokode.Bundle(**arrays, step=[0, 20]), steps=100, say=said.append)
    assert said[0] == "the curves are saved at 56 points of this run, not at the bundle's step"


def test_a_misspelt_shorthand_names_its_nearest():
    with pytest.raises(grokode.InvalidInput, match="unknown parameter 'momentun'; did you mean 'momentum'"):
        grokode.run(momentun=0.9)
