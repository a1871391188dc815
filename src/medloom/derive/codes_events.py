"""What the codes of the event doors mean (EPCIS, the event stream, webhooks), and what their caller does."""

from __future__ import annotations

from medloom.derive.meant import Meant

_DOCUMENT = "Correct the document at each place named in `errors`, and send it again."
_CALLER = "Correct the request as named in `path` and `expected`, and send it again."
_NOTHING = "Nothing, unless it comes often: then help the plant's programmer."

EVENTS = {
    "capture_too_large": Meant("the document is too large for one capture", "Send it in parts.", _NOTHING),
    "document_unreadable": Meant("the body is no strict JSON", _DOCUMENT, _NOTHING),
    "document_wrong": Meant("the document or an event in it is not as EPCIS 2.0 says", _DOCUMENT, _NOTHING),
    "epcis_version": Meant("another major version of EPCIS is asked for", "Speak EPCIS 2.0.", _NOTHING),
    "event_differs": Meant(
        "a field of the trace event says something else than the event's text",
        "Correct the feed's mapping: the fields follow from the text.",
    ),
    "event_id_reused": Meant(
        "the site has used this event id for an event of another meaning; both are kept",
        "Declare the error of the wrong one, with an id of its own for the right one.",
        "Ask the plant which of the two is true.",
    ),
    "event_id_taken": Meant(
        "the site has an event of that id and another meaning", "Give the event an id of its own.", _NOTHING
    ),
    "event_wrong": Meant(
        "the text is no event of EPCIS 2.0; the path goes on into it", _DOCUMENT, "See it on the repair desk."
    ),
    "feed_unknown": Meant("the caller has no such feed", "Ask for feed c or v.", _NOTHING),
    "header_wrong": Meant("a header has an impossible value", _CALLER, _NOTHING),
    "position_unknown": Meant(
        "the position is behind the end of the feed, or of a hub before it was restored",
        "Read the objects anew over REST, then go on from the position that the answer names.",
        "Nothing after a restore; else see what the program keeps.",
    ),
    "query_too_large": Meant("more events match than were allowed for", "Ask for less.", _NOTHING),
    "query_value_wrong": Meant("a parameter of the query has an impossible value", _CALLER, _NOTHING),
}
