"""What the codes of the doors for programs mean (REST, GraphQL), and what their caller does about it."""

from __future__ import annotations

from medloom.derive.meant import Meant

_CALLER = "Correct the request as named in `path` and `expected`, and send it again."
_NOTHING = "Nothing, unless it comes often: then help the plant's programmer."

#: What a program does about codes that agents and their feeds have too, and whose agent mends them itself.
FOR_PROGRAMS = {
    "field_unknown": "Leave the field away, or ask for one that the type has.",
    "busy": "Send the same again after Retry-After seconds, under the same Idempotency-Key.",
    "hub_unfit": "Send the same again after Retry-After seconds, under the same Idempotency-Key.",
    "length_missing": "Send Content-Length, or the body in chunks.",
    "object_unknown": "Look at the id or key, the type, ?site=. It may be another party's.",
    "push_too_large": "Send smaller parts.",
    "request_too_slow": "Send it again; if it stays, look at the line.",
}
#: What begins so is said of an agent or a feed, which a program is not.
_NOT_PROGRAMS = ("Nothing: the agent", "Nothing: it is judged", "Correct the value in the source")


def todo_of(code: str, meant: Meant) -> str:
    """What a program does about a code."""
    own = FOR_PROGRAMS.get(code)
    return own or (_CALLER if meant.plant.startswith(_NOT_PROGRAMS) else meant.plant)


API = {
    "answer_json_only": Meant("the caller accepts no JSON", "Accept application/json.", _NOTHING),
    "cursor_wrong": Meant(
        "the cursor is none that was given out for this order", "Begin at the first page.", _NOTHING
    ),
    "hub_broken": Meant(
        "something broke at the hub; nothing of this request was recorded",
        "Try again; if it stays, tell the registrant the time and the address.",
        "Look into the hub's web.log at that time.",
    ),
    "key_ambiguous": Meant(
        "objects of several sites have this key", "Name the site by ?site=, or use the id.", _NOTHING
    ),
    "limit_wrong": Meant("a page has another number of rows", _CALLER, _NOTHING),
    "method_unknown": Meant("the address has no such method", "Use one of those named.", _NOTHING),
    "nothing_here": Meant(
        "there is nothing at this address", "Look at /api/v1/me or the document.", _NOTHING
    ),
    "parameter_twice": Meant("a parameter is given twice", _CALLER, _NOTHING),
    "parameter_unknown": Meant("there is no such parameter", _CALLER, _NOTHING),
    "epcis_format": Meant(
        "identifiers are asked for in another spelling than they came in",
        "Leave GS1-EPC-Format away, or send Never_Translates.",
        _NOTHING,
    ),
    "queries_too_many": Meant(
        "the site keeps as many named queries as it may", "Delete those that nobody asks.", _NOTHING
    ),
    "query_name_taken": Meant(
        "a named query of that name stands already", "Take another name, or delete that one.", _NOTHING
    ),
    "query_unknown": Meant("the site has no named query of that name", "Look at /epcis/queries.", _NOTHING),
    "subscription_not_built": Meant(
        "subscriptions of EPCIS are not built",
        "Follow the event stream, or have a webhook made; both tell each captured event.",
        _NOTHING,
    ),
    "rate_exceeded": Meant(
        "the token has asked too often", "Wait as long as Retry-After says.", "See what the program does."
    ),
    "request_wrong": Meant("the request is not one of HTTP", _CALLER, _NOTHING),
    "scope_missing": Meant(
        "the token was not given this right, or its maker no longer has it",
        "Ask for a token with that right.",
        "Make a token with that right, or say no.",
    ),
    "sort_unknown": Meant("objects of this type have no such order", _CALLER, _NOTHING),
    "token_invalid": Meant(
        "the token is unknown, expired or revoked, or its maker may log in no more",
        "Ask for a new token.",
        "Make a new one on the page of tokens; find out who uses the old one.",
    ),
    "token_missing": Meant(
        "the request bears no token", "Send `Authorization: Bearer` and the token.", _NOTHING
    ),
    "value_impossible": Meant("PostgreSQL knows no such value", _CALLER, _NOTHING),
    "body_wrong": Meant("the body is not of the form described", _CALLER, _NOTHING),
    "content_type_wrong": Meant("the body is of a kind not taken here", _CALLER, _NOTHING),
    "idempotency_key_reused": Meant(
        "the Idempotency-Key was used before for another request; nothing was written",
        "Use a new key for a new request, and the same key only to repeat one.",
        _NOTHING,
    ),
    "idempotency_key_wrong": Meant("the Idempotency-Key is none", _CALLER, _NOTHING),
    "if_match_missing": Meant(
        "a change does not say on which version it is made",
        "Read the object and send its ETag as If-Match.",
        _NOTHING,
    ),
    "if_match_wrong": Meant("If-Match is no version", "Send the ETag that you were given.", _NOTHING),
    "member_unknown": Meant("the body has a member that is not taken here", _CALLER, _NOTHING),
    "operation_unknown": Meant(
        "you have sent no operation of this id", "Look at the answer that named it.", _NOTHING
    ),
    "person_signs": Meant(
        "the command is a signature, which no program gives",
        "Let a person give it on the object's page.",
        "Give it on the object's page, or say no.",
    ),
    "site_unknown": Meant("there is no such site, or it is another party's", "Name one of those.", _NOTHING),
    "introspection_off": Meant(
        "the schema cannot be asked for by a question", "Read /api/schema.graphql.", _NOTHING
    ),
    "query_too_costly": Meant(
        "the question would read too much at once", "Ask for smaller pages or fewer fields.", _NOTHING
    ),
    "query_too_deep": Meant("the question is nested too deeply", "Ask in several questions.", _NOTHING),
    "query_too_wide": Meant("the question uses too many aliases", "Ask in several questions.", _NOTHING),
    "query_wrong": Meant("the question does not fit the schema", _CALLER, _NOTHING),
}
