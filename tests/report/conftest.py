"""Sweeps to report on."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stored():
    """Return what makes a data set like a store's."""
    spec = importlib.util.spec_from_file_location("stored", Path(__file__).parent / "stored.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.stored
