"""The words and tones of states, verdicts and refusals: code on the wire, word for a person.

A code that is not listed is shown as it is: codes are never guessed at.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.interfaces.web.causes import CAUSES, Cause
from medloom.interfaces.web.filewords import BROKEN, FILES
from medloom.interfaces.web.scopewords import SCOPE_CAUSES


class Word(NamedTuple):
    """What a code is called, and the tone of its tag (the word carries the meaning, never the colour)."""

    label: object
    tone: str = "neutral"


#: States of all lifecycles and choices that read like states; one code means one thing everywhere.
STATES: dict[str, Word] = {
    "draft": Word(_("Draft")),
    "reported": Word(_("Reported by the plant"), "info"),
    "sent": Word(_("Sent"), "info"),
    "released": Word(_("Released"), "info"),
    "dispatched": Word(_("Dispatched"), "info"),
    "acknowledged": Word(_("Acknowledged"), "info"),
    "in_process": Word(_("In process"), "doing"),
    "part_received": Word(_("Partly received"), "doing"),
    "received": Word(_("Received"), "good"),
    "on_hold": Word(_("On hold"), "held"),
    "completed": Word(_("Completed"), "good"),
    "closed": Word(_("Closed")),
    "cancelled": Word(_("Cancelled")),
    "superseded": Word(_("Superseded")),
    "obsolete": Word(_("Obsolete")),
    "pending": Word(_("Pending"), "warn"),
    "accepted": Word(_("Accepted"), "good"),
    "rejected": Word(_("Rejected"), "bad"),
    "production_released": Word(_("Released for production"), "info"),
    "market_released": Word(_("Released to market"), "good"),
    "open": Word(_("Open"), "warn"),
    "cleared": Word(_("Cleared"), "good"),
    "frozen": Word(_("Frozen"), "info"),
    "raised": Word(pgettext_lazy("state", "Raised"), "warn"),
    "dismissed": Word(_("Dismissed")),
    "settled": Word(_("Settled"), "good"),
    "lapsed": Word(_("Lapsed")),
    "undone": Word(_("Undone")),
    "candidate": Word(_("Candidate")),
    "qualified": Word(_("Qualified"), "good"),
    "conditional": Word(_("Conditional"), "warn"),
    "suspended": Word(_("Suspended"), "bad"),
    "withdrawn": Word(_("Withdrawn")),
    "applied": Word(_("Applied"), "info"),
    "testing": Word(_("Testing"), "doing"),
    "live": Word(_("Live"), "good"),
    "restricted": Word(_("Restricted"), "warn"),
    "revoked": Word(_("Revoked"), "bad"),
    "expired": Word(_("Expired")),
    "enrolled": Word(_("Enrolled"), "good"),
    "invited": Word(_("Invited"), "info"),
    "active": Word(_("Active"), "good"),
    "in_service": Word(_("In service"), "good"),
    "due": Word(_("Due"), "warn"),
    "out_of_tolerance": Word(_("Out of tolerance"), "bad"),
    "out_of_service": Word(_("Out of service"), "warn"),
    "retired": Word(_("Retired")),
    "planned": Word(_("Planned"), "info"),
    "passed": Word(_("Passed"), "good"),
    "failed": Word(_("Failed"), "bad"),
    "partial": Word(_("Partly passed"), "warn"),
    "fresh": Word(_("Fresh"), "good"),
    "late": Word(_("Late"), "warn"),
    "stale": Word(_("Stale"), "bad"),
    "disputed": Word(_("Disputed"), "held"),
    "available": Word(_("Available"), "good"),
    "blocked": Word(_("Blocked"), "held"),
    "quarantine": Word(_("Quarantine"), "warn"),
    "proposed": Word(_("Proposed"), "warn"),
    "same": Word(_("Same lot"), "good"),
    "different": Word(_("Different lots")),
    "conforming": Word(_("Conforming"), "good"),
    "nonconforming": Word(_("Nonconforming"), "bad"),
    "pass": Word(_("Passed"), "good"),
    "joined": Word(_("Joined"), "good"),
    "unjoined": Word(_("Not joined yet"), "warn"),
    "fail": Word(_("Failed"), "bad"),
}

VERDICTS: dict[str, Word] = {
    "accepted": Word(pgettext_lazy("verdict", "Accepted"), "good"),
    "rejected": Word(pgettext_lazy("verdict", "Rejected"), "bad"),
    "conflict": Word(pgettext_lazy("verdict", "Conflict"), "held"),
    "quarantined": Word(pgettext_lazy("verdict", "Quarantined"), "bad"),
    "parked": Word(pgettext_lazy("verdict", "Parked"), "warn"),
    "op_id_reuse": Word(pgettext_lazy("verdict", "Identity used twice"), "bad"),
    "closed": Word(pgettext_lazy("verdict", "Refused and closed")),
}

KINDS: dict[str, Word] = {
    "observe": Word(_("Observed")),
    "set": Word(_("Set")),
    "command": Word(_("Command")),
    "raw": Word(_("Unreadable")),
}

OWNERS: dict[str, Word] = {
    "registrant": Word(_("Registrant"), "info"),
    "site": Word(_("Plant"), "doing"),
    "shared": Word(_("Shared"), "warn"),
}

#: State commands, as the words on their buttons.
COMMANDS: dict[str, object] = {
    "send": _("Send"),
    "release": _("Release"),
    "dispatch": _("Dispatch to plant"),
    "acknowledge": _("Acknowledge"),
    "dismiss": _("Dismiss"),
    "undo": _("Undo"),
    "start": _("Start"),
    "hold": _("Put on hold"),
    "pause": _("Pause"),
    "resume": _("Resume"),
    "complete": _("Complete"),
    "close": _("Close"),
    "cancel": _("Cancel the order"),
    "supersede": _("Supersede"),
    "retire": _("Retire"),
    "accept": _("Accept"),
    "reject": _("Reject"),
    "release_production": _("Release for production"),
    "release_market": _("Release to market"),
    "production_release": _("Release for production"),
    "market_release": _("Release to market"),
    "clear": _("Clear the hold"),
    "freeze": _("Freeze"),
    "receive": _("Receive"),
    "qualify": _("Qualify"),
    "suspend": _("Suspend"),
    "restrict": _("Restrict"),
    "go_live": _("Go live"),
    "test": _("Start testing"),
    "revoke": _("Revoke"),
    "service": _("Put into service"),
    "withdraw": _("Withdraw"),
    "settle": _("Settle"),
    "reopen": _("Open it again"),
    "lapse": _("Let it lapse"),
    "fall_due": _("Calibration has fallen due"),
    "find_out": _("Found out of tolerance"),
    "calibrate": _("Calibrated"),
}


ALARMS: dict[str, Cause] = {
    "clone": Cause(
        _("Two copies of one agent are running"),
        _("Stop the copy; only one may go on."),
    ),
    "hub_rolled_back": Cause(
        _("The hub was restored from a backup"), _("Look at what the plants hand back.")
    ),
    "skew": Cause(_("The plant's clock is wrong"), _("Have the clock set; times stay as they were told.")),
    "op_id_reuse": Cause(
        _("The same identity with other content"), _("Have the agent checked: this must not happen.")
    ),
    "agent_silent": Cause(
        _("An agent has fallen silent"), _("Ask the plant whether its machine and network run.")
    ),
    "hub_busy": Cause(
        _("The hub keeps a plant waiting"), _("Run medloom doctor; everything is kept at the plant.")
    ),
    "stream_unheard": Cause(_("A machine has not been heard for a minute"), _("See its adapter.")),
    "source_unreachable": Cause(
        _("A plant's database has not been read for a minute"),
        _("Ask the plant whether it runs and lets the agent in."),
    ),
    "hub_fails": Cause(
        _("The hub answers a plant with errors"),
        _("Look into the hub's log; everything is kept at the plant."),
    ),
    "hub_refused": Cause(_("The hub refuses a plant's agent"), _("Look at the plant's keys and session.")),
    "hub_unreachable": Cause(
        _("An agent could not reach the hub"), _("Ask the plant whether its machine and network run.")
    ),
    "store_rebuilt": Cause(
        _("An agent's store was damaged and made anew"), _("Have the disk of that machine looked at.")
    ),
    "store_filling": Cause(_("An agent's store fills up"), _("Help the plant to make room.")),
    "store_nearly_full": Cause(
        _("An agent's store is nearly full: edits wait"), _("Help the plant to make room.")
    ),
    "store_full": Cause(
        _("An agent's store is full: nothing more is read"), _("Help the plant to make room at once.")
    ),
    "feeds_held": Cause(
        _("An open transaction holds the feeds up"),
        _("Run medloom doctor at the hub: it names the session. Nothing is lost."),
    ),
    "sequence": Cause(_("Records out of order"), _("Tell your administrator.")),
}
CAUSES.update({code: Cause(label, todo) for code, (label, todo) in (FILES | SCOPE_CAUSES).items()})


def state_word(code: str) -> Word:
    """The word of a state, the code itself when it has none."""
    return STATES.get(code) or Word(code)


def verdict_word(code: str) -> Word:
    """The word of a verdict."""
    return VERDICTS.get(code) or Word(code)


def command_word(code: str) -> object:
    """The word on a command's button."""
    return COMMANDS.get(code) or code


#: Bytes that are no operation (derive/codes.py, BYTES): one meaning for a person, the code tells them apart.
_BYTES = Cause(_("The bytes are no valid operation"), _("Have the agent checked; dismiss the row."))


def cause_of(code: str) -> Cause:
    """What a refusal or finding means."""
    if code in BROKEN:
        return _BYTES
    if code.startswith("unknown_") and code not in CAUSES:
        return CAUSES["unknown"]
    return CAUSES.get(code) or Cause(code)
