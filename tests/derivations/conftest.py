"""All claims, proved once."""

import pytest
from grokode_derivations import report


@pytest.fixture(scope="session")
def proofs():
    """Return every claim with what came of it, in reading order."""
    return tuple(report.prove())
