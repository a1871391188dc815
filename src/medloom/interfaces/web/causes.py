"""Refusals and findings in words: what is wrong, and what the person at the page can do."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _


class Cause(NamedTuple):
    """A refusal or finding in words: what is wrong, and what the person at the page can do."""

    label: object
    todo: object = ""


CAUSES: dict[str, Cause] = {
    "kind_unknown": Cause(
        _("This kind of operation is not taken here"), _("Correct the feed's mapping and send again.")
    ),
    "event_wrong": Cause(
        _("The event is not as EPCIS 2.0 says"), _("Correct it where the path says, and capture it again.")
    ),
    "event_differs": Cause(_("A field differs from the event's own text"), _("Correct the mapping.")),
    "event_id_reused": Cause(
        _("The event id was used for another event"), _("Ask the plant which of the two is true.")
    ),
    "unreadable": Cause(_("The row could not be read"), _("Look at the bytes, then mend or dismiss it.")),
    "not_owner": Cause(
        _("The value belongs to the other side"), _("Ask its owner to change it, or propose a change.")
    ),
    "not_permitted": Cause(_("This side may not do that"), _("Ask the side that may.")),
    "object_unknown": Cause(
        _("What it refers to is not known yet"), _("It is judged again when the missing object arrives.")
    ),
    "reference_unknown": Cause(
        _("It names something that is not known yet"),
        _("Send or create what is missing; it is then judged again by itself."),
    ),
    "command_unknown": Cause(_("Unknown command"), _("Use one of the commands named as expected.")),
    "illegal_state": Cause(
        _("Not possible in this state"), _("Use one of the steps that the present state allows.")
    ),
    "exists": Cause(_("It exists already"), _("Decide whether both are the same thing.")),
    "stale": Cause(_("The value changed meanwhile"), _("Compare both values and settle which one stands.")),
    "unit_missing": Cause(_("The unit is missing"), _("Add the unit to the value or to the feed's mapping.")),
    "unit_wrong": Cause(_("Wrong unit"), _("Give the value in the unit named as expected.")),
    "number_wrong": Cause(_("Not a number"), _("Correct the number.")),
    "too_precise": Cause(_("Too many decimals"), _("Round it as the method says, and say so.")),
    "out_of_range": Cause(_("Outside the range"), _("Check the value; correct it at its source.")),
    "type_wrong": Cause(_("Wrong kind of value"), _("Give the kind of value named as expected.")),
    "empty": Cause(_("The value is empty"), _("Fill it in.")),
    "missing": Cause(_("A required value is missing"), _("Fill it in.")),
    "required": Cause(_("A required value is missing"), _("Fill it in.")),
    "field_missing": Cause(_("A required value is missing"), _("Fill it in.")),
    "field_unknown": Cause(_("This field is not known"), _("Correct the feed's mapping.")),
    "blank_at_end": Cause(_("Blanks around the value"), _("Remove the blanks.")),
    "too_long": Cause(_("Too long"), _("Shorten it as named as expected.")),
    "character_illegal": Cause(_("It holds a character that is not allowed"), _("Remove the character.")),
    "look_alike": Cause(
        _("It holds letters of another alphabet that look like Latin ones"),
        _("Compare it with the label; say whether it is the same lot as the one proposed."),
    ),
    "key_wrong": Cause(_("Not a usable key"), _("Correct the key.")),
    "not_a_choice": Cause(_("Not one of the allowed words"), _("Choose one of the words named as expected.")),
    "day_impossible": Cause(_("There is no such day"), _("Correct the date.")),
    "day_destroyed": Cause(_("The date was destroyed in the file"), _("Look it up at its source.")),
    "time_impossible": Cause(_("There is no such time"), _("Correct the time.")),
    "zone_missing": Cause(_("The time has no zone"), _("Add the zone to the feed's mapping.")),
    "type_unknown": Cause(_("This type of object is not known"), _("Correct the feed's mapping.")),
    "reason_missing": Cause(_("A reason is required"), _("Say why, in a sentence.")),
    "op_id_reuse": Cause(
        _("The same identity with other content"), _("Have the agent checked: this must not happen.")
    ),
    "group_refused": Cause(
        _("Another member of its group was refused"), _("Mend that one; the group has one outcome.")
    ),
    "key_missing": Cause(_("A part of its number is missing"), _("Fill it in.")),
    "key_taken": Cause(
        _("Its number belongs to another object"), _("Decide whether both are the same thing.")
    ),
    "foreign_site": Cause(_("It belongs to another plant"), _("Send it from that plant.")),
    "owner_differs": Cause(
        _("Its fields belong to different owners"), _("Send them in separate operations.")
    ),
    "lines_wrong": Cause(_("Its lines cannot be read"), _("Correct the lines as named as expected.")),
    "too_many_lines": Cause(_("Too many lines"), _("Split it.")),
    "object_wrong": Cause(_("Its identity cannot be read"), _("Have the agent checked.")),
    "database_refused": Cause(
        _("The database refused the value"), _("Look at the bytes; correct the value at its source.")
    ),
    "reaction_failed": Cause(_("What should have followed failed"), _("Tell your administrator.")),
    "lot_held": Cause(_("The lot is on hold"), _("Clear the hold first, or choose another lot.")),
    "hold_covers_nothing": Cause(_("The hold covers nothing"), _("Name a lot or a machine.")),
    "signature_missing": Cause(_("The signature is missing"), _("Sign with its meaning.")),
    "row_changed": Cause(
        _("The value was changed in the meantime"), _("Look at the value as it stands now.")
    ),
    "kind_wrong": Cause(_("Not meant for this kind of lot"), _("Use the step that fits its kind.")),
    "balance_order": Cause(
        _("Stocked and scrapped do not add up to the order"), _("Check the counts at their source.")
    ),
    "balance_received": Cause(
        _("Rejected and stocked do not add up to what was received"), _("Check the counts at their source.")
    ),
    "sender_is_receiver": Cause(
        _("The receipt names its own plant as the sender"), _("Name the plant that sent it.")
    ),
    "gudid_older": Cause(
        _("The record is older than what stands"),
        _("Nothing. To take it all the same, change the device by hand with the reason."),
    ),
    "gudid_twice": Cause(_("The file names the device twice"), _("Look which of the two is right.")),
    "gudid_value": Cause(
        _("A value of the record cannot be understood"), _("Look at the record in the file.")
    ),
    "udi_check_digit": Cause(
        _("The identifier contradicts its check digit"), _("Scan it again, or correct it at its source.")
    ),
    "udi_empty": Cause(_("No UDI was given"), _("Scan or type one.")),
    "udi_form": Cause(_("This is no UDI of GS1 or HIBCC"), _("Scan it again, or correct it.")),
    "udi_too_long": Cause(_("Longer than a UDI"), _("Scan it again.")),
    "udi_without_device": Cause(_("The code names no device"), _("Scan the code with (01) in it.")),
    "sender_missing": Cause(
        _("The sender's lot is named without the sender"), _("Name the plant or the vendor.")
    ),
    "balance_total": Cause(_("Good and defective do not add up"), _("Check the counts at their source.")),
    "balance_shots": Cause(
        _("Shots times cavities is not the total"), _("Check the counts at their source.")
    ),
    "short_stock": Cause(_("More was taken than stood there"), _("Check the moves; add what is missing.")),
    "unit_differs": Cause(_("Another unit than the lot's stock"), _("Correct the unit.")),
    "unknown_lot": Cause(_("The lot was not known; a placeholder stands for it")),
    "unknown_bom": Cause(
        _("No such BOM revision at this plant"), _("Release the revision, or correct the order.")
    ),
    "not_judged": Cause(_("There was nothing to judge it by"), _("Release a specification.")),
    "judged_differs": Cause(_("The plant's judgement differs from the specification")),
    "out_of_limits": Cause(_("Outside the specification")),
    "limits_differ": Cause(_("Judged by other limits than the specification's")),
    "gauge_unfit": Cause(_("The gauge was not fit for use"), _("Measure again with another gauge.")),
    "parameter_out_of_limits": Cause(_("A process parameter was outside its limits")),
    "parameter_differs": Cause(_("The machine named another program or word than planned")),
    "parameter_missing": Cause(_("The machine said nothing of a planned parameter")),
    "stream_row_cut": Cause(_("A line of the stream is cut off"), _("Nothing: its neighbours were read.")),
    "stream_row_wrong": Cause(_("A line of the stream is not as declared"), _("Correct the adapter.")),
    "stream_item_unknown": Cause(
        _("The machine tells of something that is not mapped"), _("Add it to the mapping.")
    ),
    "stream_row_too_long": Cause(_("A line of the stream has no end"), _("See what is connected there.")),
    "limits_crossed": Cause(_("The lower limit is above the upper one"), _("Correct the limits.")),
    "revision_fixed": Cause(_("A released revision is not changed"), _("Make the next revision.")),
    "order_incomplete": Cause(_("The order lacks what a plant needs"), _("Fill in item and quantity.")),
    "due_before_received": Cause(_("Due before it was received"), _("Correct the dates.")),
    "date_destroyed": Cause(_("The date was destroyed in the file"), _("Look it up at its source.")),
    "date_format": Cause(_("The date is written in another way than declared"), _("Correct the date.")),
    "date_range": Cause(_("The date is far off"), _("Correct the date.")),
    "code_fraction": Cause(_("A code that is a broken number"), _("Correct the key.")),
    "cell_error": Cause(
        _("The cell holds an error, or a formula that nobody computed"),
        _("Open the file, mend the cell and save it."),
    ),
    "code_rounded": Cause(
        _("A code too long for a spreadsheet's number"), _("Store it as text in the spreadsheet.")
    ),
    "code_type": Cause(_("Not a usable key"), _("Correct the key.")),
    "code_wrong": Cause(_("Not a usable key"), _("Correct the key.")),
    "number_format": Cause(_("Not a number"), _("Correct the number.")),
    "number_fraction": Cause(_("Not a whole number"), _("Correct the number.")),
    "number_type": Cause(_("Not a number"), _("Correct the number.")),
    "choice_unknown": Cause(
        _("Not one of the allowed words"), _("Choose one of the words named as expected.")
    ),
    "boolean_unknown": Cause(_("Neither yes nor no"), _("Correct the value.")),
    "pattern": Cause(_("Not written as declared"), _("Correct the value.")),
    "text_too_long": Cause(_("Too long"), _("Shorten it as named as expected.")),
    "not_undoable": Cause(
        _("This change cannot be undone"),
        _("Something changed since, or it is not yours to write. Make a new change instead."),
    ),
    "not_sealed": Cause(_("The record is not in the log yet"), _("Try again in a moment.")),
    "busy": Cause(_("Others write the same just now"), _("Try again in a moment.")),
    "no_site": Cause(_("Your login belongs to no site"), _("Ask your administrator.")),
    "export_too_large": Cause(_("Too many rows for one file"), _("Narrow the query.")),
    "role_reads": Cause(
        _("Your role reads these, it does not change them."), _("Ask a person whose role allows it.")
    ),
    "nothing_selected": Cause(_("Nothing was selected"), _("Go back and tick what you mean.")),
    "too_many": Cause(_("Too many at once"), _("Select fewer.")),
    "nothing_to_do": Cause(_("There is nothing left to do"), _("Somebody else may have done it.")),
    "form_expired": Cause(_("The form is too old"), _("Open the page again and repeat.")),
    "dismissed": Cause(_("Dismissed by a person")),
    "taken_back": Cause(_("The dismissal was taken back")),
    "row_as_recorded": Cause(_("The row reads again as it was recorded")),
    "value_missing": Cause(_("A required value is missing"), _("Fill it in.")),
    "unknown": Cause(
        _("It names something that is not known"),
        _("Send or create what is missing, or leave the field empty."),
    ),
    "unknown_reference": Cause(_("It names something unknown; a placeholder stands for it")),
    "placeholder": Cause(_("It names something unknown; a placeholder stands for it")),
    "wrong_revision": Cause(_("Made on another revision than the one in force")),
    "alias_ambiguous": Cause(
        _("The partner's lot number means several lots"), _("Name the plant's own lot number.")
    ),
    "alias_is_lot": Cause(
        _("The partner's lot number is a lot of its own already"), _("Join the two in the alias.")
    ),
    "revision_not_effective": Cause(
        _("The BOM revision was not effective on that day"),
        _("Decide on what was made, or correct the order."),
    ),
    "revision_stands": Cause(
        _("Another revision of it is released"), _("Supersede that one in the same step.")
    ),
    "after_hold": Cause(_("Done after a hold was placed")),
    "group": Cause(_("Another row of its group was not accepted"), _("Mend that row first.")),
    "equipment_held": Cause(
        _("The machine or mould was under a hold"), _("Stop using it, and decide on what was made.")
    ),
    "meaning_missing": Cause(_("A signature needs its meaning"), _("Choose the meaning.")),
    "not_admitted": Cause(
        _("It names a row that was not admitted"),
        _("Mend that row first; it is then judged again by itself."),
    ),
    "site_code_wrong": Cause(
        _("A plant's code does not fit into numbers"), _("Choose the code that is named as expected.")
    ),
    "site_home_wrong": Cause(_("A plant belongs to itself"), _("Write it for its own code.")),
    "version_unknown": Cause(
        _("It changes a version that was lost when the hub was restored"), _("Settle the conflict.")
    ),
    "zone_unknown": Cause(
        _("There is no such time zone"), _("Give it as region and town, such as Asia/Shanghai.")
    ),
    "balance": Cause(_("The quantities do not add up"), _("Check the counts at their source.")),
    "positions_gone": Cause(
        _("What this delivery sent cannot be read again"),
        _("The hub was restored since, or it said “read everything anew”. Deliver again from a position."),
    ),
    "insufficient_stock": Cause(_("There is not enough in stock")),
}
