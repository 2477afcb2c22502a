"""Every error a user can meet; each class carries the exit code of the command line."""

from __future__ import annotations


class GrokodeError(Exception):
    """Base of all errors that grokode raises on purpose."""

    exit_code = 1


class InvalidInput(GrokodeError):
    """Something from outside is wrong: the message says what, its value, and the fix."""

    exit_code = 2


class RunFailed(GrokodeError):
    """A single run did not give the curve it was asked for."""

    exit_code = 1


class Diverged(RunFailed):
    """The loss left every bound: the step size is beyond stability."""


class SolverFailed(RunFailed):
    """A solver gave up, or produced a number that is not finite."""


class BeyondStability(SolverFailed):
    """A flow that corrects for a step has come to where descent with that step is not stable."""


class CheckFailed(GrokodeError):
    """Everything was computed and written, and something is beyond its tolerance."""

    exit_code = 4


class EngineLost(GrokodeError):
    """What ran the tasks is gone; what was finished is kept, and the rest can be resumed."""

    exit_code = 5


class Interrupted(GrokodeError):
    """The user ended it; what was finished is kept."""

    exit_code = 130


class GrokodeWarning(UserWarning):
    """Something a user should know of a result that is still right."""
