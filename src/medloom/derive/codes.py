"""What each stable code means, what the plant does about it, and what the steward at the registrant does.

The codes themselves are found in the source (see `errors`); a test refuses one without an explanation.
"""

from __future__ import annotations

from medloom.derive.codes_alarms import ALARMS
from medloom.derive.codes_api import API
from medloom.derive.codes_events import EVENTS
from medloom.derive.codes_sessions import SESSION
from medloom.derive.meant import Meant

_MAPPING = "Correct the value in the source or the feed's mapping; the row is sent again by itself."
_AGENT = "Nothing: the agent mends this itself. If it stays, update the agent."
_DESK = "Mend the row on the repair desk, or tell the plant what would be right."
_FACT = "Nothing has to be sent again: it has happened and is kept. Say why, if asked."

#: Bytes that are no operation, and pushes that are none.
BYTES = {
    "bad_id": Meant("the operation's id is not site/epoch/chain/number or a UUID", _AGENT, _DESK),
    "bad_time": Meant("the event time is no RFC 3339 moment", _MAPPING, _DESK),
    "bad_uuid": Meant("the object's id is no UUID", _AGENT, _DESK),
    "count_differs": Meant("the push's header counts other lines than came", _AGENT),
    "count_out_of_range": Meant("a push holds too many lines or none", _AGENT),
    "duplicate_key": Meant("a JSON object names a key twice", _AGENT, _DESK),
    "header_broken": Meant("the first line of a push is no header", _AGENT),
    "id_differs": Meant("an operation's id is not the next number of its chain", _AGENT, _DESK),
    "key_not_ascii": Meant("a JSON key holds other characters than ASCII", _AGENT, _DESK),
    "not_canonical": Meant("the bytes are not the canonical form of what they say", _AGENT, _DESK),
    "not_json": Meant("the line is not JSON", _AGENT, _DESK),
    "not_utf8": Meant("the line is not UTF-8", _AGENT, _DESK),
    "number_float": Meant("a number with a point stands bare; decimals are text", _AGENT, _DESK),
    "number_too_large": Meant("a whole number is 2^53 or more", _AGENT, _DESK),
    "push_too_large": Meant("the body is larger than a push may be", _AGENT),
    "text_not_nfc": Meant("a text is not in Unicode normal form C", _MAPPING, _DESK),
    "text_nul": Meant("a text holds a NUL character", _MAPPING, _DESK),
    "text_surrogate": Meant("a text holds half of a surrogate pair", _MAPPING, _DESK),
    "too_deep": Meant("the JSON is nested too deeply", _AGENT, _DESK),
    "too_large": Meant("the line is too long", _MAPPING, _DESK),
    "wrong_type": Meant("a part of the operation has another type than it must", _AGENT, _DESK),
    "unreadable": Meant("the author itself could not understand its row", _MAPPING, _DESK),
}

#: Values outside their field's domain: always quarantined, with the bytes.
VALUES = {
    "blank_at_end": Meant("a code begins or ends with a blank", _MAPPING, _DESK),
    "character_illegal": Meant("a text holds a control or invisible character", _MAPPING, _DESK),
    "database_refused": Meant("the database takes the value for impossible", _MAPPING, _DESK),
    "day_impossible": Meant("there is no such day", _MAPPING, _DESK),
    "empty": Meant("a code is empty", _MAPPING, _DESK),
    "field_unknown": Meant("the type has no such field; the rest was taken", "Correct the mapping."),
    "key_missing": Meant("a part of the natural key is missing or too long", _MAPPING, _DESK),
    "key_wrong": Meant("what is referred to is no key", _MAPPING, _DESK),
    "lines_wrong": Meant("a list is no list, or too long", _MAPPING, _DESK),
    "missing": Meant("a required field is missing", _MAPPING, _DESK),
    "not_a_choice": Meant(
        "the word is not one of the list", "Map the plant's word to one of the list.", _DESK
    ),
    "number_wrong": Meant("this is not a number", _MAPPING, _DESK),
    "object_wrong": Meant("the object's id is no UUID", _AGENT, _DESK),
    "out_of_range": Meant("the number is outside its range", _MAPPING, _DESK),
    "time_impossible": Meant("there is no such moment", _MAPPING, _DESK),
    "too_long": Meant("the text is too long", _MAPPING, _DESK),
    "too_precise": Meant(
        "the number has more decimals than the field", "Round it as the method says.", _DESK
    ),
    "type_unknown": Meant("there is no such type of object", "Correct the mapping.", _DESK),
    "type_wrong": Meant("the value has another type than the field", _MAPPING, _DESK),
    "unit_missing": Meant(
        "the unit is missing; it is never guessed", "Declare the unit in the mapping.", _DESK
    ),
    "unit_wrong": Meant("the unit is not the field's", "Declare the conversion in the mapping.", _DESK),
    "zone_missing": Meant("the moment has no offset", "Declare the feed's time zone.", _DESK),
}

#: What wire/judge.py and the ledger say by version, owner and state.
JUDGED = {
    "command_unknown": Meant("the type has no such command", "Correct the mapping.", _DESK),
    "exists": Meant(
        "the object exists already with other values", "Nothing: a person compares.", "Settle the conflict."
    ),
    "group": Meant("an operation of the same group was not accepted", "See the operation named."),
    "group_refused": Meant(
        "an operation of the same group was not accepted", "See the operation named.", _DESK
    ),
    "illegal_state": Meant("the command is not legal in this state", "Use one of the legal commands named."),
    "key_taken": Meant(
        "another object has this natural key", "Nothing: a person compares.", "Settle the conflict."
    ),
    "kind_unknown": Meant("the type does not take this kind of operation", "Correct the mapping.", _DESK),
    "not_admitted": Meant("a rule of the room refused it", "See what was expected."),
    "not_owner": Meant(
        "the value belongs to another party", "Ask its owner to change it.", "Change it, or say no."
    ),
    "not_permitted": Meant("another party gives this command", "Ask the party named.", "Give it, or say no."),
    "object_unknown": Meant(
        "the object is not known yet", "Nothing: it is judged again when the object comes."
    ),
    "owner_differs": Meant(
        "an observation contradicts what stands; what stands was kept",
        "Compare your list with the order.",
        "Compare both; change the value if the plant is right.",
    ),
    "reaction_failed": Meant(
        "what should have followed from an entry failed; its lots are held", "Nothing.", "Report it."
    ),
    "reason_missing": Meant("a change needs its reason", "Say why.", "Say why."),
    "stale": Meant(
        "the value changed since the author had read it",
        "Nothing: a person compares.",
        "Settle the conflict.",
    ),
    "unknown_<type>": Meant(
        "what it refers to is not known; an observation has made a placeholder, a request waits",
        "Send the missing master data.",
        "Ask for the missing master data.",
    ),
    "version_unknown": Meant(
        "the author saw a version that the hub lost in a restore; both values are kept",
        "Ask whoever settles it.",
        "Settle the conflict.",
    ),
}

#: What the rooms' own rules say.
ROOMS = {
    "after_hold": Meant(
        "the lot was held before, and the site could not know", _FACT, "Decide on what was made."
    ),
    "balance_shots": Meant("shots x cavities is not the total", "Correct the record at its source.", _DESK),
    "balance_order": Meant(
        "pieces stocked and scrapped are not the pieces ordered", "Correct the order at its source.", _DESK
    ),
    "balance_received": Meant(
        "pieces rejected and stocked are not the pieces received", "Correct the line at its source.", _DESK
    ),
    "gudid_older": Meant("a device record is of an earlier edition than what stands", "Nothing."),
    "gudid_twice": Meant("a file names one device twice", "Nothing.", "Look which of the two is right."),
    "gudid_value": Meant(
        "a value of a device record cannot be understood", "Nothing.", "Look at the record in the file."
    ),
    "udi_check_digit": Meant(
        "an identifier contradicts its check digit", "Correct it where it was written.", _DESK
    ),
    "udi_empty": Meant("no UDI was given", "Scan or type one."),
    "udi_form": Meant("the text is no UDI of GS1 or HIBCC", "Scan it again, or correct it."),
    "udi_too_long": Meant("the text is longer than a UDI", "Scan it again."),
    "udi_without_device": Meant("the code names no device", "Scan the code with (01) in it."),
    "sender_is_receiver": Meant(
        "a receipt names its own site as the sender", "Name the plant that sent it.", _DESK
    ),
    "sender_missing": Meant(
        "a receipt has the sender's lot number and no sender", "Name the plant or the vendor.", _DESK
    ),
    "balance_total": Meant("good + defective is not the total", "Correct the record at its source.", _DESK),
    "due_before_received": Meant("an order is due before it was received", "Correct the day."),
    "equipment_held": Meant(
        "an open hold covers the machine or mould", "Stop using it.", "Decide on what was made."
    ),
    "gauge_unfit": Meant(
        "a result was taken with a gauge that is due, out of tolerance or retired",
        "Have the gauge calibrated; measure again where it matters.",
        "Assess the results taken with it since its last calibration (ISO 13485 7.6).",
    ),
    "hold_covers_nothing": Meant("a hold names neither lot nor equipment", "Name what is held."),
    "judged_differs": Meant(
        "plant and hub judge a value differently", "Compare limits and revision.", "Decide."
    ),
    "row_changed": Meant(
        "the value that a correction speaks of is no longer the one it was proposed for, or made",
        "Nothing.",
        "Look at the value as it stands now; dismiss the correction.",
    ),
    "kind_wrong": Meant("the command is not for this kind of lot", "Use the command for this kind."),
    "limits_differ": Meant(
        "the limits judged by are not those of the revision cited",
        "Judge by the released revision.",
        "Find out which limits are right.",
    ),
    "limits_crossed": Meant("lower limit, target and upper limit are not in order", "Correct the limits."),
    "look_alike": Meant(
        "a lot number holds letters of another alphabet that look like Latin ones",
        "Compare it with the label, and correct it at its source.",
        "Say on the page of near matches whether it is the same lot.",
    ),
    "lot_held": Meant(
        "an open hold covers the lot or what it was made of", "Stop using the lot.", "Decide on it."
    ),
    "meaning_missing": Meant("a signature needs its meaning", "Choose the meaning.", "Choose the meaning."),
    "not_judged": Meant("the result cites no specification", "Add the specification to the mapping.", _DESK),
    "order_incomplete": Meant(
        "an order is released without item or quantity", "Nothing.", "Complete the order."
    ),
    "out_of_limits": Meant(
        "a value is outside its specification; the lot is held", _FACT, "Decide on the lot."
    ),
    "parameter_out_of_limits": Meant(
        "a machine ran outside its released limits", _FACT, "Decide on the lot."
    ),
    "parameter_differs": Meant(
        "a machine named another word (a program) than the released one", _FACT, "Decide on the lot."
    ),
    "parameter_missing": Meant(
        "a machine said nothing of a released parameter", "See whether the machine can tell it.", _FACT
    ),
    "revision_fixed": Meant("a released revision is never changed", "Nothing.", "Make the next revision."),
    "alias_ambiguous": Meant(
        "a partner's lot number means several lots at this site",
        "Name the own lot number.",
        "Void the alias that is wrong.",
    ),
    "alias_is_lot": Meant(
        "a partner's lot number is a lot of its own already",
        "Say in the alias that this lot is the other one.",
        "Help the plant to join the two.",
    ),
    "revision_not_effective": Meant(
        "a BOM revision was named for a day on which it is not effective",
        _FACT,
        "Decide on what was made, or correct the order.",
    ),
    "revision_stands": Meant(
        "another revision of the same document is released",
        "Nothing.",
        "Supersede that one in the same step; the page does so.",
    ),
    "short_stock": Meant(
        "more was taken than there is", "Send the missing receipt or count.", "Compare the counts."
    ),
    "site_code_wrong": Meant("a site's code does not fit into ids", "Nothing.", "Choose another code."),
    "site_home_wrong": Meant("a site belongs to itself", "Nothing.", "Write it for its own code."),
    "unit_differs": Meant("the unit is another one than the lot's or the limit's", _MAPPING, _DESK),
    "unknown_bom": Meant("the BOM revision is not there yet; the order waits", "Nothing.", "Send the BOM."),
    "wrong_revision": Meant(
        "another revision than the released one was used", _FACT, "Decide on what was made."
    ),
    "zone_unknown": Meant("there is no such time zone", "Nothing.", "Use an IANA name."),
}

#: What an agent says of a plant's files before anything is sent.
AGENT = {
    "column_gone": Meant(
        "a column that was there before is gone", "Ask who changed the sheet.", "Help if needed."
    ),
    "database_unusable": Meant(
        "the plant's database, or a table of it, cannot be read",
        "Look at address, login and right to read; the answer of the database is told with it.",
    ),
    "table_unknown": Meant(
        "there is no table or view of that name", "Name one of those that are told; case counts."
    ),
    "column_missing": Meant("a required column is missing", "Correct the sheet or the mapping."),
    "column_new": Meant("the sheet has a new column", "Map it or list it as ignored."),
    "feed_drift": Meant("the columns of a feed have changed", "Map the new columns or list them as ignored."),
    "file_broken": Meant("the file is cut off, damaged or of another kind", "Save and send it again."),
    "file_compression": Meant(
        "the archive is packed in a way not taken here", "Save it again as an ordinary file."
    ),
    "file_doctype": Meant(
        "the file declares a document type or entities, which could expand or reach outside",
        "Export it without a DOCTYPE.",
        "Look into it: honest exports have none.",
    ),
    "file_empty": Meant("the file holds nothing", "Save and send it again."),
    "file_encrypted": Meant("the file has a password", "Save it without a password."),
    "file_format": Meant("files of this kind are not read", "Send one of the kinds named."),
    "file_inflates": Meant(
        "the file inflates to more than the limit, or to more than it says",
        "Split the file; empty formatted rows and columns count too.",
        "Look into it: it may be an attack.",
    ),
    "file_member": Meant(
        "a part of the archive is a link, or its name leads outside or comes twice",
        "Pack the archive again from plain files.",
        "Look into it: it may be an attack.",
    ),
    "file_too_deep": Meant("the file nests deeper than the limit", "Ask who made the export."),
    "header_missing": Meant("no row of column names was found", "Give the header's row in the mapping."),
    "sheet_too_large": Meant("a sheet has too many rows, columns or cells", "Split the sheet."),
    "text_encoding": Meant("the text is neither UTF-8, UTF-16 with a mark, nor GBK", "Save it as UTF-8."),
    "file_unmapped": Meant("no mapping reads this file", "Write a mapping for it, or one that skips it."),
    "row_as_recorded": Meant(
        "a row that was unreadable for a while reads again as it was recorded", "Nothing: its entry closes."
    ),
    "file_too_large": Meant("the file is too large or inflates too much", "Split the file."),
    "row_gone": Meant(
        "a row that was followed is no longer in the plant's table", "See whether it was meant."
    ),
    "stream_row_cut": Meant(
        "a line of a stream is cut off", "See the line; its neighbours were read.", _DESK
    ),
    "stream_row_wrong": Meant(
        "a line of a stream is not as declared", "Correct the machine's adapter.", _DESK
    ),
    "stream_item_unknown": Meant(
        "a data item of a stream is neither mapped nor listed as ignored", "Add it to the mapping."
    ),
    "stream_row_too_long": Meant("a line of a stream has no end", "See what is connected there.", _DESK),
    "stream_unheard": Meant(
        "a machine's stream has not been heard for a minute", "See whether machine and adapter run."
    ),
    "source_unreachable": Meant(
        "a plant's database has not been read for a minute", "See whether it runs and lets the agent in."
    ),
    "row_unknown": Meant("the row fits no declared record", "Correct the mapping.", _DESK),
    "sample_left": Meant(
        "a row of an import template still holds a word of its sample", "Replace it or empty the cell.", _DESK
    ),
    "sheet_missing": Meant("the declared sheet is not in the file", "Correct the file or the mapping."),
    "value_missing": Meant("a required cell is empty", "Fill the cell.", _DESK),
}

_ASKS = "Nothing: a scope is asked at the registrant."
_ASK_AGAIN = "Correct the question; the page and this answer say where."

#: Recall scopes: what is asked, and what is frozen of it.
SCOPES = {
    "beside_missing": Meant("a range of values stands without the name of what it is of", _ASKS, _ASK_AGAIN),
    "condition_empty": Meant("a condition of the scope names no value", _ASKS, _ASK_AGAIN),
    "digest_missing": Meant("a freeze does not say which lines it freezes", _ASKS, "Freeze by the page."),
    "dimension_twice": Meant("one group asks twice for the same thing", _ASKS, "Join two groups with or."),
    "dimension_unknown": Meant("a scope cannot be asked by that", _ASKS, _ASK_AGAIN),
    "expression_wrong": Meant("the scope's text cannot be read from that place on", _ASKS, _ASK_AGAIN),
    "group_empty": Meant("a group of the scope has no condition", _ASKS, _ASK_AGAIN),
    "not_yet_frozen": Meant("a draft says what only freezing can say", _ASKS, "Leave it out."),
    "range_reversed": Meant("a range begins after its end", _ASKS, _ASK_AGAIN),
    "scope_empty": Meant(
        "the scope holds no lot", _ASKS, "Widen the question, or say that there is nothing."
    ),
    "scope_frozen": Meant("a frozen scope is not changed", _ASKS, "Freeze a new one that supersedes it."),
    "scope_moved": Meant(
        "what the scope holds changed between looking and freezing", _ASKS, "Look again and freeze again."
    ),
    "scope_too_large": Meant("the scope holds more lots than are frozen at once", _ASKS, "Divide it."),
    "scope_too_slow": Meant("the scope was not answered in time", _ASKS, "Narrow the block that it names."),
    "too_complex": Meant("the scope's text is longer or deeper than a question", _ASKS, "Divide it."),
    "too_many_conditions": Meant("a group of the scope has too many conditions", _ASKS, "Divide it."),
    "too_many_values": Meant("one condition names too many values", _ASKS, "Divide it."),
    "value_wrong": Meant("a value of the scope is none of its kind", _ASKS, _ASK_AGAIN),
}

CHAPTERS = {
    "Bytes and pushes": BYTES,
    "Sessions": SESSION,
    "Values": VALUES,
    "Judgement": JUDGED,
    "Rules of the rooms": ROOMS,
    "Recall scopes": SCOPES,
    "Files at the plant": AGENT,
    "Alarms": ALARMS,
    "Requests of programs": API,
    "Events of programs": EVENTS,
}
CODES = {code: meant for chapter in CHAPTERS.values() for code, meant in chapter.items()}
