"""What is true of a feed's data: how complete, valid, balanced, timely, and whether its form has drifted.

Pure. Everything is judged from tallies that were counted once, entry by entry, as the ledger grew; a score is
never a mystery: each measure says how many rows of how many broke it, and which codes name those rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medloom.kernel.act import derived_id

#: Below so many rows a share says nothing.
ROWS_LEAST = 20
#: Different forms of one field that are kept apart; any further one counts as "other".
FORMS_MOST = 12
OTHER = "other"
#: A field that was given in nearly every row before, and is missing in a fifth of them now, has drifted.
GIVEN_BEFORE, MISSING_NOW = 0.95, 0.20
#: A form that was unknown before and makes up a fifth of the values now has come anew.
FORM_BEFORE, FORM_NOW = 0.01, 0.20
#: Below this a measure is a broken rule and raises an alert.
SCORE_BROKEN = 80.0
#: With more than this share of its rows refused a feed needs a person.
REFUSED_SHARE = 0.10
REFUSED = ("quarantined", "rejected")
BALANCES = ("balance_total", "balance_shots")
UNITS = ("unit_missing", "unit_wrong", "unit_differs")
MISSING = ("missing", "value_missing", "key_missing", "field_missing")
DRIFTS = ("feed_drift", "column_new", "column_gone", "column_missing", "sheet_missing")
#: The measures in the order in which they are shown.
MEASURES = ("completeness", "validity", "balance", "timeliness", "uniqueness", "units", "drift")


@dataclass
class Tally:
    """Counts over some rows of one feed.

    whole     admitted rows that told an object as a whole: an observation, or a new object
    verdicts  verdict -> rows; "findings" counts accepted rows with findings besides
    codes     code of a refusal or finding -> rows
    rules     name of a normalisation -> values changed by it
    given     field -> rows that held a value
    forms     field -> form of its values -> rows ("A9" for L1, see `form_of`)
    changed   columns that came anew or vanished, as the agent named them -> deliveries
    """

    rows: int = 0
    whole: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    forms: dict[str, dict[str, int]] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    def tree(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def share(self, codes: Iterable[str]) -> int:
        """Rows that carry one of these codes, at most all of them."""
        return min(self.rows, sum(self.codes.get(code, 0) for code in codes))

    @property
    def refused(self) -> int:
        """Rows that were quarantined or rejected."""
        return sum(self.verdicts.get(name, 0) for name in REFUSED)


def tally_of(tree: Mapping[str, Any]) -> Tally:
    """A tally from its JSON; what an older one does not know is empty."""
    known = {name: tree[name] for name in Tally.__dataclass_fields__ if name in tree}
    return Tally(**known)


def add(one: Tally, other: Tally) -> Tally:
    """Both together."""
    forms = {name: dict(counts) for name, counts in one.forms.items()}
    for name, counts in other.forms.items():
        forms[name] = _merged(forms.get(name, {}), counts)
    return Tally(
        one.rows + other.rows,
        one.whole + other.whole,
        _summed(one.verdicts, other.verdicts),
        _summed(one.codes, other.codes),
        _summed(one.rules, other.rules),
        _summed(one.given, other.given),
        forms,
        _summed(one.changed, other.changed),
    )


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


def _merged(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    found = dict(one)
    for form, count in other.items():
        kept = form if form in found or len(found) < FORMS_MOST else OTHER
        found[kept] = found.get(kept, 0) + count
    return found


def total(tallies: Iterable[Tally]) -> Tally:
    """All together."""
    found = Tally()
    for one in tallies:
        found = add(found, one)
    return found


def form_of(value: Any) -> str:
    """The form of a value: runs of letters, digits and Chinese as A, 9 and 字, everything else as it is."""
    text = value if isinstance(value, str) else type(value).__name__ if isinstance(value, bool) else "9"
    plain = re.sub(r"[\u3400-\u9fff]+", "字", text[:64])
    return re.sub(r"[0-9]+", "9", re.sub(r"[A-Za-z]+", "A", plain))[:24]


def count(
    tally: Tally,
    *,
    verdict: str,
    code: str = "",
    findings: Sequence[str] = (),
    fields: Mapping[str, Any] | None = None,
    whole: bool = True,
    was: Iterable[str] = (),
    changed: Iterable[str] = (),
) -> None:
    """Count one row into a tally.

    `fields`: its values, `whole`: not only what changed, `was`: names of the rules that changed values.
    """
    if code == "feed_drift":
        # Told of a whole delivery, no row of it.
        for each in changed:
            tally.changed[each] = tally.changed.get(each, 0) + 1
        return
    tally.rows += 1
    tally.verdicts[verdict] = tally.verdicts.get(verdict, 0) + 1
    if findings:
        tally.verdicts["findings"] = tally.verdicts.get("findings", 0) + 1
    for each in {code, *findings} - {""}:
        tally.codes[each] = tally.codes.get(each, 0) + 1
    for rule in was:
        for name in rule.split("+"):
            tally.rules[name] = tally.rules.get(name, 0) + 1
    if not whole or verdict in REFUSED:
        return
    tally.whole += 1
    for name, value in (fields or {}).items():
        if value is None or isinstance(value, list | dict):
            continue
        tally.given[name] = tally.given.get(name, 0) + 1
        tally.forms[name] = _merged(tally.forms.get(name, {}), {form_of(value): 1})


@dataclass(frozen=True)
class Measure:
    """One rule over one feed. `score` 0 to 100; `broken` of `rows` rows broke it; `codes` name them."""

    name: str
    score: float
    broken: int
    rows: int
    codes: tuple[str, ...] = ()
    said: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Drift:
    """How a feed's form has changed: what happened to which field, from what to what."""

    kind: str
    field: str
    before: str
    now: str
    rows: int


def drifts(now: Tally, before: Tally) -> list[Drift]:
    """What differs in the newest rows of a feed from those before: columns, missing values, forms.

    Shares are compared only with enough rows on both sides: a small delivery proves nothing.
    """
    found = [
        Drift(code, name, "", "", many)
        for told, many in sorted(now.changed.items())
        for code, _, name in [told.partition(" /")]
    ]
    accepted, earlier = now.whole, before.whole
    if accepted < ROWS_LEAST or earlier < ROWS_LEAST:
        return found
    for name in sorted({*now.given, *before.given}):
        had, has = before.given.get(name, 0) / earlier, now.given.get(name, 0) / accepted
        if had >= GIVEN_BEFORE and 1 - has >= MISSING_NOW:
            missing = accepted - now.given.get(name, 0)
            found.append(Drift("missing_share", name, f"{1 - had:.0%}", f"{1 - has:.0%}", missing))
        found += _new_forms(name, now.forms.get(name, {}), before.forms.get(name, {}))
    return found


def _new_forms(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> list[Drift]:
    all_now, all_before = sum(now.values()), sum(before.values())
    if all_now < ROWS_LEAST or all_before < ROWS_LEAST or OTHER in before or len(before) >= FORMS_MOST:
        return []  # free text and numbers of every length have no form that could drift
    usual = max(before, key=lambda form: before[form])
    return [
        Drift("value_form", name, usual, form, many)
        for form, many in sorted(now.items())
        if many / all_now >= FORM_NOW and before.get(form, 0) / all_before < FORM_BEFORE
    ]


def measures(
    now: Tally, before: Tally, *, needed: Sequence[str] = (), late: float = 0.0, near: int = 0
) -> list[Measure]:
    """Every rule over one feed's newest rows.

    `needed`: fields without which a row says little; `late`: age of the newest row over the promised one (1
    is just in time); `near`: pairs of lot numbers that may be the same, one of which this feed brought.
    """
    rows, changed = now.rows, drifts(now, before)
    accepted, taken = now.whole, rows - now.refused
    gaps = sum(max(0, accepted - now.given.get(name, 0)) for name in needed) + now.share(MISSING)
    cells = accepted * max(1, len(needed)) + now.share(MISSING)
    slack = max(0.0, min(1.0, (late - 1) / 2)) if late else 0.0
    return [
        Measure("completeness", _score(gaps, cells), gaps, cells, MISSING),
        Measure("validity", _score(now.refused, rows), now.refused, rows),
        Measure("balance", _score(now.share(BALANCES), taken), now.share(BALANCES), taken, BALANCES),
        Measure("timeliness", round(100 * (1 - slack), 1), int(late > 1), 1),
        Measure("uniqueness", _score(min(near, accepted), max(accepted, 1)), near, accepted),
        Measure("units", _score(now.share(UNITS), rows), now.share(UNITS), rows, UNITS),
        Measure(
            "drift",
            max(0.0, 100.0 - 20.0 * len(changed)),
            len(changed),
            max(rows, len(changed)),
            DRIFTS,
            tuple((each.kind, each.field) for each in changed),
        ),
    ]


def _score(broken: int, rows: int) -> float:
    return round(100 * (1 - broken / rows), 1) if rows else 100.0


def score(found: Sequence[Measure]) -> float:
    """One figure of a feed: the mean of its measures, so that each point can be found again.

    What had nothing to look at does not count, and the figure is never above validity: of a row that was
    refused nothing else is known, and a feed whose every row is refused must not be good on the whole.
    """
    looked = [each.score for each in found if each.rows]
    valid = [each.score for each in found if each.name == "validity" and each.rows]
    return round(min([sum(looked) / len(looked), *valid]), 1) if looked else 100.0


def overall(parts: Sequence[tuple[float, int]]) -> float:
    """One figure of several feeds, each by the rows it brought."""
    rows = sum(max(1, many) for _, many in parts)
    return round(sum(value * max(1, many) for value, many in parts) / rows, 1) if rows else 100.0


def daily(tally: Tally) -> float:
    """The figure of one day for the trend: the share of its rows whose data was in order.

    What was found in the goods (a value outside its limits) is no fault of the data.
    """
    wrong = tally.refused + tally.verdicts.get("conflict", 0) + tally.share((*BALANCES, *MISSING))
    return _score(min(wrong, tally.rows), tally.rows)


@dataclass(frozen=True)
class Wanted:
    """An alert that should stand now. `rule` and `feed` tell it from others of its kind at a site."""

    site: str
    kind: str
    feed: str
    rule: str
    detail: str
    count: int

    @property
    def name(self) -> str:
        """What it is about, the same from one look to the next."""
        return ":".join((self.kind, self.feed or "-", self.rule or "-"))


def alerts(
    site: str, feed: str, now: Tally, found: Sequence[Measure], changed: Sequence[Drift], *, late: float
) -> list[Wanted]:
    """What of one feed a person must look at."""
    wanted = []
    if late > 2:
        wanted.append(Wanted(site, "late", feed, "timeliness", f"{late:.1f} x the promised time", 0))
    if changed:
        told = ", ".join(f"{each.kind} {each.field}" for each in changed)[:400]
        wanted.append(Wanted(site, "drift", feed, "drift", told, sum(each.rows for each in changed)))
    if now.rows >= ROWS_LEAST and now.refused / now.rows > REFUSED_SHARE:
        wanted.append(
            Wanted(site, "refused", feed, "validity", f"{now.refused} of {now.rows} rows", now.refused)
        )
    for each in found:
        if each.name in ("validity", "drift", "timeliness") or now.rows < ROWS_LEAST:
            continue
        if each.score < SCORE_BROKEN:
            detail = f"{each.name} {each.score}: {each.broken} of {each.rows}"
            wanted.append(Wanted(site, "rule", feed, each.name, detail, each.broken))
    return wanted


def alias_of(correction: str) -> str:
    """The object of the alias that accepting this correction makes: the same one each time."""
    return derived_id("correction", correction, "alias")
