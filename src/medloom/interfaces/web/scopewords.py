"""The words of recall scopes: from which sides they are asked, how sets are joined, why one is refused."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

#: Dimension -> its word, in the order in which they are offered, by what is asked.
SIDES: tuple[tuple[object, tuple[tuple[str, object], ...]], ...] = (
    (
        _("Lots"),
        (
            ("lot", _("Lot number")),
            ("supplier_lot", _("Partner's lot number")),
            ("serial", _("Serial number")),
            ("item", _("Item")),
            ("site", _("Plant")),
            ("made", _("Made on")),
        ),
    ),
    (
        _("Production"),
        (
            ("equipment", _("Machine or mould")),
            ("machine", _("Machine")),
            ("mould", _("Mould")),
            ("day", pgettext_lazy("scope", "Day of production")),
            ("time", pgettext_lazy("scope", "Moment of production")),
            ("operator", _("Operator (opaque)")),
            ("work_order", _("Work order")),
            ("program", _("Program")),
            ("shift", _("Shift")),
            ("parameter", _("Parameter")),
            ("reading", pgettext_lazy("scope", "Reading of the parameter")),
            ("reading_unit", pgettext_lazy("scope", "Unit of the reading")),
        ),
    ),
    (
        _("Inspection"),
        (
            ("characteristic", _("Characteristic")),
            ("value", _("Measured value")),
            ("value_unit", pgettext_lazy("scope", "Unit of the value")),
            ("gauge", _("Gauge")),
            ("laboratory", _("Laboratory")),
            ("inspector", _("Inspector (opaque)")),
            ("measured", _("Measured at")),
        ),
    ),
    (
        _("In and out"),
        (
            ("vendor", _("Vendor")),
            ("received", _("Received on")),
            ("consignee", _("Consignee")),
            ("shipment", _("Shipment")),
            ("shipped", _("Shipped on")),
        ),
    ),
)
WAYS: tuple[tuple[str, object], ...] = (
    ("affected", _("All that is affected by")),
    ("only", _("Exactly")),
    ("origin", _("All that went into")),
    ("used_in", _("What directly used")),
)
JOINS: tuple[tuple[str, object], ...] = (
    ("or", _("and in addition")),
    ("and", _("but only what is also in")),
    ("except", _("without")),
)

#: Code -> what is wrong, and what the person at the page can do.
SCOPE_CAUSES: dict[str, tuple[object, object]] = {
    "beside_missing": (
        _("A range of values without the name of what it is of"),
        _("Add the parameter or characteristic to the same block."),
    ),
    "condition_empty": (_("A condition without a value"), _("Fill it in or take the condition out.")),
    "digest_missing": (_("It does not say which lines are frozen"), _("Open the scope again and freeze it.")),
    "dimension_twice": (
        _("The same condition twice in one block"),
        _("Put both values into one condition, or make a second block."),
    ),
    "dimension_unknown": (_("A scope cannot be asked by this"), _("Choose one of the conditions offered.")),
    "expression_wrong": (_("The question cannot be read from here on"), _("Correct it at this place.")),
    "group_empty": (_("A block without a condition"), _("Add a condition or take the block out.")),
    "letters_missing": (
        _("The letters of printed documents are not installed"),
        _("Ask your administrator to run the command named as expected."),
    ),
    "not_yet_frozen": (_("Only freezing fills this in"), _("Leave it empty.")),
    "range_reversed": (_("The range ends before it begins"), _("Exchange both ends.")),
    "scope_empty": (_("Nothing is in this scope"), _("Widen the question.")),
    "scope_frozen": (_("A frozen scope is not changed"), _("Freeze a new one that supersedes it.")),
    "scope_moved": (
        _("The scope changed while it was being frozen"),
        _("Look at what it holds now and freeze it again."),
    ),
    "scope_too_large": (_("More lots than one scope may freeze"), _("Divide the question.")),
    "scope_too_slow": (
        _("The answer takes longer than a person waits"),
        _("Narrow the block named here by a day, a plant, an item or a shorter range."),
    ),
    "too_complex": (_("The question is too long or too deep"), _("Divide it.")),
    "too_many_conditions": (_("Too many conditions in one block"), _("Divide the question.")),
    "too_many_values": (_("Too many values in one condition"), _("Divide the question.")),
    "value_wrong": (_("Not a value of this kind"), _("Give the kind of value named as expected.")),
}

#: What of a lot a line means: a word for a table, and why it is so.
MEANT: dict[str, tuple[Any, Any]] = {
    "whole": (_("whole lot"), ""),
    "part": (_("only these devices"), _("The rest of the lot is not in this scope.")),
    "uncounted": (
        _("these devices and uncounted pieces"),
        _("A record of this lot does not say how many pieces it made: nobody can tell them apart."),
    ),
    "unrecorded": (
        _("these devices and pieces without a record"),
        _("More pieces were booked than its records count: nobody can tell which they are."),
    ),
}


def meant_words(meant: str, *, numbered: bool) -> tuple[str, str]:
    """The word and the reason; a lot of which no piece has a number stays whole."""
    label, why = MEANT[meant]
    if meant in ("uncounted", "unrecorded") and not numbered:
        label = _("whole lot, pieces not told apart")
    return str(label), str(why)
