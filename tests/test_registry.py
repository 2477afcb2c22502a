import dataclasses

import pytest

from grokode.dynamics.optimizers import OPTIMIZERS
from grokode.dynamics.solvers import SOLVERS
from grokode.errors import InvalidInput
from grokode.model.starts import STARTS
from grokode.observables import OBSERVABLES
from grokode.registry import Entry, Registry
from grokode.task.targets import TARGETS

REGISTRIES = [OPTIMIZERS, SOLVERS, STARTS, TARGETS, OBSERVABLES]
ENTRIES = [pytest.param(registry, name, id=f"{registry.kind}-{name}") for registry in REGISTRIES for name in registry]


@dataclasses.dataclass(frozen=True)
class Thing:
    count: "int"
    size: "float" = 1.0
    name: "str" = ""
    weights: "tuple[float, ...]" = ()


@pytest.fixture
def things(monkeypatch):
    import types

    module = types.ModuleType("grokode_test_things")
    module.Thing, module.Bare = Thing, dataclasses.make_dataclass("Bare", [], frozen=True)
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    return Registry(
        "thing",
        {
            "thing": Entry("grokode_test_things:Thing", "a thing"),
            "bare": Entry("grokode_test_things:Bare", "a thing without parameters"),
            "missing": Entry("grokode_test_nowhere:Thing", "would fail to import"),
        },
    )


@pytest.mark.parametrize(("registry", "name"), ENTRIES)
def test_every_entry_loads_a_frozen_dataclass(registry, name):
    cls = registry.load(name)
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert name in list(registry)


@pytest.mark.parametrize(("registry", "name"), ENTRIES)
def test_every_entry_has_one_sentence(registry, name):
    summary = registry.summary(name)
    assert 5 < len(summary) < 120
    assert "\n" not in summary
    assert ". " not in summary
    assert not summary.endswith(".")  # a line of a list, not prose


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_unknown_names_get_the_nearest_hint(registry):
    for name in registry:
        with pytest.raises(InvalidInput, match=f"unknown {registry.kind} '{name}q'; did you mean '{name}'\\?"):
            registry.build(name + "q")
    with pytest.raises(InvalidInput, match="one of: " + ", ".join(registry)):
        registry.build("zzzzzzzzzzzz")


def test_fields_are_parsed_by_their_types(things):
    thing = things.build("thing:count=3,size=2e-1,name=a=b,weights=1:-0.5")
    assert thing == Thing(3, 0.2, "a=b", (1.0, -0.5))
    assert things.build("thing:count=3") == Thing(3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thing", "thing 'thing' needs count: write thing:count=..."),
        ("thing:count", "'count' is not field=value"),
        ("thing:cuont=3", "has no parameter 'cuont'; did you mean 'count'?"),
        ("thing:count=2.5", "thing thing:count must be a whole number, got '2.5'"),
        ("thing:count=1,size=big", "thing thing:size must be a number, got 'big'"),
        ("thing:count=1,weights=1:x", "must be numbers like 1:0.5:0.25, got '1:x'"),
        ("bare:count=1", "has no parameter 'count'; bare has no parameters"),
    ],
)
def test_wrong_fields_are_named(things, text, message):
    with pytest.raises(InvalidInput) as caught:
        things.build(text)
    assert message in str(caught.value)


def test_listing_a_registry_imports_nothing(things):
    assert list(things) == ["thing", "bare", "missing"]
    assert things.summary("missing") == "would fail to import"
    with pytest.raises(ModuleNotFoundError):
        things.load("missing")
