"""Optimizers that are registered for a test only."""

from __future__ import annotations

import sys
import types

import pytest

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.registry import Entry


@pytest.fixture
def register(monkeypatch):
    """Return a function that registers a class as an optimizer under a name."""
    module = types.ModuleType("grokode_test_optimizers")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def put(name, cls):
        setattr(module, cls.__name__, cls)
        monkeypatch.setitem(OPTIMIZERS._entries, name, Entry(f"{module.__name__}:{cls.__name__}", "for a test"))

    return put
