"""The run that another framework's autodiff trained, laid over the theory of its own arrays."""

from pathlib import Path

import grokode

FILE = Path(__file__).parents[1] / "reference" / "reference_run.npz"


def test_a_run_that_this_project_did_not_train_agrees_to_what_an_exact_map_promises():
    overlay = grokode.overlay.compare(FILE, grokode.bundle.load(FILE))
    assert {name: found.points for name, found in overlay.agreement.items()} == {"loss_train": 135, "loss_test": 135}
    assert max(found.max_log for found in overlay.agreement.values()) < 1e-9
    assert abs(overlay.drop_shift) < 1e-9


def test_a_flow_is_seen_to_be_another_training():
    overlay = grokode.overlay.compare(FILE, grokode.bundle.load(FILE), optimizer="gradient_flow")
    assert overlay.agreement["loss_test"].max_log > 3e-3  # a step of dt = 0.5 is seen
