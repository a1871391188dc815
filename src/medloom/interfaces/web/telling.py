"""What agents tell in their own words, for the reader: rules that changed a value, what was expected.

The words stand in records as the agent wrote them and are never changed there; a page shows them in
the reader's language, and as they are when they are not known here.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_noop as _

from medloom.interfaces.web.words import cause_of

#: Rule of normalisation (agent/normalise.py) -> its words; a value may have passed several, joined by "+".
RULES: dict[str, object] = {
    "invisible": gettext_lazy("invisible characters removed"),
    "width": gettext_lazy("full-width characters made narrow"),
    "trim": gettext_lazy("blanks at the ends removed"),
    "blanks": gettext_lazy("blanks inside made one"),
    "number_text": gettext_lazy("number read as text"),
    "number_code": gettext_lazy("code stored as a number"),
    "case": gettext_lazy("upper and lower case made one"),
    "lot": gettext_lazy("lot number in its one spelling"),
    "float_digits": gettext_lazy("idle digits of the spreadsheet removed"),
    "thousands": gettext_lazy("thousands separator removed"),
    "unit": gettext_lazy("unit converted"),
    "rounded": gettext_lazy("rounded to the declared decimals"),
    "serial_date": gettext_lazy("day number of the spreadsheet"),
    "time_cut": gettext_lazy("time of day cut off"),
    "choice": gettext_lazy("plant's word replaced by ours"),
    "boolean": gettext_lazy("read as yes or no"),
    "missing": gettext_lazy("word that means missing"),
    "date_destroyed": gettext_lazy("destroyed date left out"),
}

#: What agents say they expected, word for word.
EXPECTED = frozenset(
    {
        _("a date such as 2018-11-01"),
        _("the columns of the mapping"),
        _("a row that speaks of a declared object"),
        _("a code kept as text"),
        _("a code as text or whole number"),
        _("a number such as 12.5"),
        _("a finite number"),
        _("a whole number or text"),
        _("a complete workbook"),
        _("a workbook without password"),
        _("a header row"),
        _("UTF-8 or GBK text"),
        _("the row, as it was last seen"),
    }
)


def rule_words(rule: str) -> str:
    """The words of one rule or of several joined by "+"."""
    return ", ".join(str(RULES.get(part, part)) for part in rule.split("+"))


def expected_words(text: str) -> str:
    """What was expected, in the reader's language where it is a known sentence."""
    return gettext(text) if text in EXPECTED else text


#: Words of the fact sheets: stewards, how long something is kept, where.
SHEETS = frozenset(
    {
        _("engineering"),
        _("information technology"),
        _("planning"),
        _("production"),
        _("quality"),
        _("supplier quality"),
        _("warehouse"),
        _("any"),
        _("life of the relation and 10 years"),
        _("device life, at least 2 years after release"),
    }
)


def told(text: str) -> str:
    """A word of a fact sheet in the reader's language."""
    return gettext(text) if text in SHEETS else text


#: Freshness promises, as they are declared (ISO 8601).
PROMISES: dict[str, object] = {
    "PT1M": gettext_lazy("within a minute"),
    "PT1H": gettext_lazy("within an hour"),
    "PT4H": gettext_lazy("within 4 hours"),
    "PT12H": gettext_lazy("within 12 hours"),
    "P1D": gettext_lazy("within a day"),
    "P7D": gettext_lazy("within a week"),
}


def promise_words(promise: str) -> object:
    """A freshness promise in words; another one as it is declared."""
    return PROMISES.get(promise, promise)


#: What a feed is judged by (governance/rules.py, Measure).
MEASURE_WORDS: dict[str, object] = {
    "completeness": gettext_lazy("Completeness"),
    "validity": gettext_lazy("Validity"),
    "balance": gettext_lazy("Balance"),
    "timeliness": gettext_lazy("Timeliness"),
    "uniqueness": gettext_lazy("Uniqueness"),
    "units": gettext_lazy("Units"),
    "drift": gettext_lazy("Constancy"),
}
#: How a feed's form has changed (governance/rules.py, Drift).
DRIFTS: dict[str, object] = {
    "column_new": gettext_lazy("new column"),
    "column_gone": gettext_lazy("column vanished"),
    "column_missing": gettext_lazy("column vanished"),
    "missing_share": gettext_lazy("more values missing"),
    "value_form": gettext_lazy("another form of value"),
}
#: What the hub writes into an alert (governance/rules.py, alerts) -> the same in the reader's language.
_FOUND: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<bad>\d+) of (?P<all>\d+) rows"), _("%(bad)s of %(all)s rows")),
    (re.compile(r"(?P<n>[\d.]+) x the promised time"), _("%(n)s times the promised time")),
    (re.compile(r"(?P<n>\d+) older than (?P<h>\d+) hours"), _("%(n)s older than %(h)s hours")),
)
_SCORED = re.compile(r"(?P<measure>[a-z]+) (?P<score>[\d.]+): (?P<bad>\d+) of (?P<all>\d+)")


#: What the hub writes as the cause of a hold (production, inspection, materials/reactions.py).
_HELD = re.compile(r"(?P<what>step record|result) (?P<key>.*): (?P<codes>[a-z_]+(?:, [a-z_]+)*)")
_UNKNOWN = re.compile(r"(?P<what>\w+) failed for (?P<type>\w+) (?P<key>.*)")
#: What ties two lots (trace/reactions.py).
_TIED = re.compile(
    r"(?P<what>receipt|merge|event|lot) (?P<key>.*): tied to (?P<lot>.*), held by (?P<holds>.*)"
)
_TIES = {
    "receipt": _("receipt %(key)s: it is lot %(lot)s, which is held by %(holds)s"),
    "merge": _("merge %(key)s: it is one lot with %(lot)s, which is held by %(holds)s"),
    "event": _("event %(key)s: lot %(lot)s went into it, which is held by %(holds)s"),
    "lot": _("lot %(key)s was told: lot %(lot)s went into it, which is held by %(holds)s"),
}
_PROOFS = {"step record": _("step record %(key)s"), "result": _("result %(key)s")}


def hold_words(cause: str) -> str:
    """Why something is on hold, in the reader's language; what a person wrote stays as it is."""
    if match := _HELD.fullmatch(cause):
        codes = [str(cause_of(code).label) for code in match["codes"].split(", ")]
        return f"{gettext(_PROOFS[match['what']]) % match.groupdict()}: {', '.join(codes)}"
    if match := _TIED.fullmatch(cause):
        return gettext(_TIES[match["what"]]) % match.groupdict()
    if match := _UNKNOWN.fullmatch(cause):
        return gettext(_("What follows from %(key)s could not be worked out")) % match.groupdict()
    return cause


def alert_words(detail: str) -> str:
    """What an alert found, in the reader's language; as the hub wrote it when it is not known here."""
    for pattern, words in _FOUND:
        if match := pattern.fullmatch(detail):
            return gettext(words) % match.groupdict()
    if match := _SCORED.fullmatch(detail):
        named = MEASURE_WORDS.get(match["measure"], match["measure"])
        return f"{named} {match['score']}: {match['bad']} / {match['all']}"
    parts = [part.partition(" ") for part in detail.split(", ")]
    if all(kind in DRIFTS for kind, _blank, _field in parts):
        return ", ".join(f"{field}: {DRIFTS[kind]}" for kind, _blank, field in parts)
    return detail
