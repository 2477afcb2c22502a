"""Tasks that other processes can find."""

import os
import signal

from grokode.sweep.cells import compute
from grokode.sweep.specification import cells_of


def deadly(task):
    """Die over the cell at alpha = 1."""
    if any(task.sweep.cell(index).alpha == 1 for index in cells_of(task.block)):
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(task)
