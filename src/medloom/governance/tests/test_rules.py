"""Rules over a feed's data, on feeds that drift in known ways and on feeds that do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.governance import corrections, rules
from medloom.governance.rules import Drift, Tally

pytestmark = pytest.mark.pure


def feed(rows: int, *, lot: str = "RM-{n}", missing: int = 0, findings: int = 0, refused: int = 0) -> Tally:
    """A feed of that many rows; the first ones lack their lot, have a wrong sum, or are refused."""
    tally = Tally()
    for n in range(rows):
        fields: dict[str, Any] = {
            "number": f"S{n}",
            "lot": None if n < missing else lot.format(n=n),
            "total": n,
        }
        codes = ["balance_total"] if n < findings else []
        if n >= rows - refused:
            rules.count(tally, verdict="quarantined", code="unit_missing", fields={"number": "x"})
        else:
            rules.count(tally, verdict="accepted", findings=codes, fields=fields, was=["trim+lot"])
    return tally


def by_name(found: list[rules.Measure]) -> dict[str, rules.Measure]:
    return {each.name: each for each in found}


def test_a_clean_feed_has_all_points_and_no_alert() -> None:
    found = rules.measures(feed(100), feed(300), needed=("number", "lot"), late=0.5)
    assert [each.name for each in found] == list(rules.MEASURES)
    assert rules.score(found) == 100.0
    assert rules.alerts("A", "shifts", feed(100), found, [], late=0.5) == []


def test_each_rule_names_the_rows_that_broke_it() -> None:
    now = feed(100, missing=10, findings=5, refused=20)
    found = by_name(rules.measures(now, Tally(), needed=("number", "lot"), late=2.0, near=3))
    assert (found["completeness"].broken, found["completeness"].rows) == (10, 160)
    assert (found["validity"].broken, found["validity"].score) == (20, 80.0)
    assert found["balance"].broken == 5 and found["balance"].codes == rules.BALANCES
    assert found["units"].broken == 20 and found["timeliness"].score == 50.0
    assert found["uniqueness"].broken == 3


def test_a_score_is_the_mean_of_what_can_be_looked_at() -> None:
    found = rules.measures(feed(100, findings=40), Tally(), needed=("number", "lot"), late=0.5)
    assert rules.score(found) == round(sum(each.score for each in found) / len(found), 1) < 100
    assert rules.overall([(100.0, 100), (50.0, 300)]) == 62.5
    assert rules.daily(feed(10, findings=2, refused=3)) == 50.0
    changed = Tally()
    rules.count(changed, verdict="accepted", fields={"remark": "x"}, whole=False)
    assert by_name(rules.measures(changed, Tally(), needed=("number",)))["completeness"].score == 100.0


@pytest.mark.parametrize(
    ("refused", "most"), [(100, 0.0), (99, 1.0), (50, 50.0)], ids=["all", "all but one", "half"]
)
def test_a_feed_cannot_be_better_than_the_share_that_was_taken(refused: int, most: float) -> None:
    """With every row refused six of seven measures have nothing against it: 85.7 points, and green enough."""
    assert rules.score(rules.measures(feed(100, refused=refused), Tally(), late=0.5)) <= most


def test_a_feed_of_nothing_and_of_one_row() -> None:
    """No row is no fault and no praise: what had nothing to look at is left out of the mean."""
    nothing = rules.measures(Tally(), feed(300), needed=("lot",), late=3.0)
    assert [each.name for each in nothing if each.rows] == ["timeliness"]
    assert rules.score(nothing) == 0.0, "it is late, and nothing else is known of it"
    (one, refused) = (feed(1), feed(1, refused=1))
    assert rules.score(rules.measures(one, Tally(), needed=("lot",), late=0.5)) == 100.0
    assert rules.score(rules.measures(refused, Tally(), needed=("lot",), late=0.5)) == 0.0
    assert rules.alerts("A", "f", refused, rules.measures(refused, Tally()), [], late=0.5) == []


def test_a_value_without_neighbours_that_agree_is_no_slip() -> None:
    """A unit that changed in the middle: nobody can tell which half is right, so none is proposed."""
    assert corrections.slips(["5.0"] * 6 + ["50.0"] * 6) == []
    assert corrections.slips(["50.0"] * 4 + ["5.0"] * 3) == []
    assert len(corrections.slips(["5.0"] * 40 + ["50.0"] * 3)) == 3


@pytest.mark.parametrize(
    ("now", "drift"),
    [
        (feed(100, missing=40), Drift("missing_share", "lot", "0%", "40%", 40)),
        (feed(100, lot="rm {n}"), Drift("value_form", "lot", "A-9", "A 9", 100)),
        (feed(100, lot="71248"), Drift("value_form", "lot", "A-9", "9", 100)),
    ],
)
def test_a_feed_that_drifts_is_found(now: Tally, drift: Drift) -> None:
    assert drift in rules.drifts(now, feed(300))
    found = rules.measures(now, feed(300), late=0.5)
    wanted = rules.alerts("A", "shifts", now, found, rules.drifts(now, feed(300)), late=0.5)
    assert [each.kind for each in wanted] == ["drift"] and "lot" in wanted[0].detail


def test_columns_that_an_agent_told_of_are_drift_at_once() -> None:
    now = Tally()
    rules.count(
        now, verdict="quarantined", code="feed_drift", changed=["column_new /本厂列", "column_gone /lot"]
    )
    found = rules.drifts(now, Tally())
    assert [(each.kind, each.field) for each in found] == [("column_gone", "lot"), ("column_new", "本厂列")]
    assert now.rows == 0, "a delivery is told of, no row"


@given(st.integers(20, 200), st.integers(20, 200), st.floats(0, 0.04))
def test_a_feed_that_stays_as_it_was_never_drifts(now: int, before: int, gaps: float) -> None:
    """A false alarm is a bug of ours: other counts of the same rows, with the same few gaps, are no drift."""
    assert rules.drifts(feed(now, missing=int(now * gaps)), feed(before, missing=int(before * gaps))) == []


@given(st.integers(0, 19))
def test_a_small_delivery_proves_nothing(rows: int) -> None:
    assert rules.drifts(feed(rows, lot="?{n}", missing=rows // 2), feed(300)) == []


def test_free_text_has_no_form_that_could_drift() -> None:
    words, other = Tally(), Tally()
    for n in range(60):
        rules.count(words, verdict="accepted", fields={"note": "x-" * (n % 30)})
        rules.count(other, verdict="accepted", fields={"note": f"#{n}"})
    assert rules.drifts(other, words) == []


@given(st.lists(st.sampled_from(["A", "B"]), max_size=40), st.integers(0, 40))
def test_counting_in_parts_is_counting_at_once(forms: list[str], cut: int) -> None:
    whole, first, second = Tally(), Tally(), Tally()
    for n, form in enumerate(forms):
        row: dict[str, Any] = {
            "verdict": "accepted",
            "fields": {"lot": form},
            "findings": ["x"] if n % 3 else [],
        }
        rules.count(whole, **row)
        rules.count(first if n < cut else second, **row)
    assert rules.add(first, second) == whole
    assert rules.tally_of(whole.tree()) == whole


def test_many_refused_rows_and_a_late_feed_are_alerts() -> None:
    now = feed(100, refused=30)
    found = rules.measures(now, Tally(), late=3.0)
    kinds = {each.kind: each for each in rules.alerts("A", "shifts", now, found, [], late=3.0)}
    assert set(kinds) == {"late", "refused", "rule"}
    assert kinds["refused"].count == 30 and kinds["rule"].rule == "units"
    assert kinds["late"].name == "late:shifts:timeliness"


@pytest.mark.parametrize(
    ("wrong", "factor", "meant"), [("0.5", "1/10", "5"), ("127", "25.4", "5"), ("5000", "1000", "5")]
)
def test_a_value_off_by_a_factor_is_found(wrong: str, factor: str, meant: str) -> None:
    values = ["5.01", "4.99", "5.00", "5.02", "4.98", "5.00", wrong]
    (slip,) = corrections.slips(values)
    assert (slip.index, slip.factor, format(slip.meant, "f")) == (6, factor, meant)


def test_what_only_spreads_is_no_slip() -> None:
    assert corrections.slips(["5", "5.5", "4.4", "6", "5.1", "9"]) == []
    assert corrections.slips(["5", "50"]) == [], "two values have no middle"
    assert corrections.slips(["5"] * 8 + ["NaN", "x", "-50", "0"]) == []
