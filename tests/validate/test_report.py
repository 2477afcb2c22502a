"""The report of a validation, and how checks that break off end."""

import json
import math
from dataclasses import dataclass
from functools import partial

import pytest
from grokode_validate.orders import Measured, OrderCheck
from grokode_validate.report import Report, all_checks, validate
from grokode_validate.results import CaseResult, Kind, Margin


@dataclass
class Planned:
    """A check whose result is known."""

    name: str
    margins: dict
    kind: Kind = Kind.MAP

    def result(self):
        return CaseResult(name=self.name, kind=self.kind, parameters={"alpha": 1.0}, margins=self.margins)


class Broken(Planned):
    def result(self):
        raise ZeroDivisionError("on\nthe way")


def order(name, value, expected=1.0):
    return OrderCheck(name=name, expected=expected, measure=lambda: Measured(value(), 0.05))


GOOD = Planned("good", {"loss_train": Margin(1e-12, 1e-9), "M": Margin(0.0, 0.0)})
BAD = Planned("bad", {"loss_train": Margin(5e-9, 1e-9), "M": Margin(math.nan, 1e-9)})
FLOW = Planned("flow", {"loss_train": Margin(1e-4, 3e-3)}, kind=Kind.FLOW)


def test_a_report_of_good_checks_is_ok_and_has_all_of_their_numbers():
    report = validate([GOOD, FLOW, order("dt", lambda: 1.01)])
    assert (report.ok, report.misses) == (True, [])
    found = json.loads(report.to_json())
    assert found["schema"] == "grokode.validate/1"
    assert found["cases"][0] == {
        "name": "good",
        "kind": "exact maps",
        "parameters": {"alpha": 1.0},
        "errors": {"loss_train": {"error": 1e-12, "tolerance": 1e-9}, "M": {"error": 0.0, "tolerance": 0.0}},
        "ok": True,
        "fault": None,
    }
    assert found["orders"] == [
        {"name": "dt", "order": 1.01, "expected": 1.0, "tolerance": 0.05, "ok": True, "fault": None}
    ]
    assert found["ok"] is True
    assert found["seconds"] >= 0
    assert {"grokode", "numpy", "python"} <= set(found["versions"])


def test_misses_are_a_line_each_and_a_number_that_is_none_is_null():
    report = validate([GOOD, BAD, order("dt", lambda: 0.9), order("N", lambda: math.nan)])
    assert not report.ok
    assert report.misses == [
        "bad: M is off by nan, beyond 1e-09, and 1 more",
        "dt: the order is 0.9, not 1 to 0.05",
        "N: the order is nan, not 1 to 0.05",
    ]
    found = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert found["cases"][1]["errors"]["M"]["error"] is None
    assert [entry["ok"] for entry in found["orders"]] == [False, False]


def test_a_check_that_breaks_off_is_a_miss_and_costs_no_other_its_result():
    report = validate([Broken("worst", {}), order("dt", partial(divmod, 1, 0)), GOOD])
    assert [case.ok for case in report.cases] == [False, True]
    assert report.misses[0].startswith("worst: breaks off: ZeroDivisionError: on")
    assert report.misses[1].startswith("dt: breaks off: ZeroDivisionError")
    assert math.isnan(report.orders[0].order)
    json.loads(report.to_json(), parse_constant=pytest.fail)


def test_tables_have_the_worst_of_every_curve_with_its_case():
    better = Planned("better", {"loss_train": Margin(1e-13, 1e-9), "wbar": Margin(1e-9, 1e-3)})
    tables = dict(validate([GOOD, better, FLOW, order("dt", lambda: 1.01)]).tables())
    maps = tables["exact maps, 2 cases"]
    assert maps[1:] == [
        ("loss_train", "1.0e-12", "1.0e-09", "0.001", "good"),
        ("M", "0.0e+00", "0.0e+00", "0", "good"),
        ("wbar", "1.0e-09", "1.0e-03", "1e-06", "better"),
    ]
    assert tables["flows, 1 case"][1] == ("loss_train", "1.0e-04", "3.0e-03", "0.033", "flow")
    assert tables["orders"][1] == ("dt", "1.0100", "1", "0.05", "")


def test_progress_is_the_fraction_done():
    fractions = []
    validate([GOOD, FLOW, BAD, GOOD], progress=fractions.append)
    assert fractions == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("full", [False, True])
def test_a_validation_has_every_kind_of_check(full):
    checks = all_checks(full=full)
    assert {check.kind for check in checks} == set(Kind)
    assert len(all_checks(full=True)) > len(all_checks(full=False))


def test_an_empty_report_is_not_an_ok_that_says_nothing():
    empty = Report(cases=(), orders=(), seconds=0.0, versions={})
    assert not empty.ok
    assert json.loads(empty.to_json())["ok"] is False
    assert (empty.counts(), empty.verdict()) == ("0 cases, 0 orders: nothing checked; 0 s", "nothing was checked")


def test_a_check_that_compares_nothing_is_a_miss():
    report = validate([GOOD, Planned("idle", {})])
    assert (report.ok, report.misses) == (False, ["idle: nothing was compared"])


def test_the_verdict_names_five_misses_and_counts_the_others_and_the_text_has_all():
    report = validate([Planned(f"bad {i}", {"M": Margin(1.0, 0.5)}) for i in range(7)])
    assert report.verdict() == "; ".join([*report.misses[:5], "and 2 more"])
    assert "misses\n" + "\n".join(report.misses) + "\n\n7 cases, 0 orders: 7 not as" in report.to_text()
    assert validate([BAD]).verdict() == "bad: M is off by nan, beyond 1e-09, and 1 more"
    assert "misses" not in validate([GOOD]).to_text()


def test_nouns_are_counted():
    report = validate([GOOD, order("dt", lambda: 1.0)])
    assert report.counts().startswith("1 case, 1 order: all as the theory says; ")
    assert report.to_text().startswith("exact maps, 1 case\n")
