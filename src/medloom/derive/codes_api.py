"""What the codes of the doors for programs mean (REST, GraphQL), and what their caller does about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from medloom.derive.meant import Meant

_CALLER = _("Correct the request as named in `path` and `expected`, and send it again.")
_NOTHING = "Nothing, unless it comes often: then help the plant's programmer."

#: What a program does about codes that agents and their feeds have too, and whose agent mends them itself.
FOR_PROGRAMS = {
    "field_unknown": _("Leave the field away, or ask for one that the type has."),
    "busy": _("Send the same again after Retry-After seconds, under the same Idempotency-Key."),
    "hub_unfit": _("Send the same again after Retry-After seconds, under the same Idempotency-Key."),
    "length_missing": _("Send Content-Length, or the body in chunks."),
    "object_unknown": _("Look at the id or key, the type, ?site=. It may be another party's."),
    "push_too_large": _("Send smaller parts."),
    "request_too_slow": _("Send it again; if it stays, look at the line."),
}
#: What begins so is said of an agent or a feed, which a program is not.
_NOT_PROGRAMS = ("Nothing: the agent", "Nothing: it is judged", "Correct the value in the source")


def todo_of(code: str, meant: Meant) -> str:
    """What a program does about a code."""
    own = FOR_PROGRAMS.get(code)
    return str(own or (_CALLER if meant.plant.startswith(_NOT_PROGRAMS) else meant.plant))


API = {
    "answer_json_only": Meant(_("the caller accepts no JSON"), _("Accept application/json."), _NOTHING),
    "cursor_wrong": Meant(
        _("the cursor is none that was given out for this order"), _("Begin at the first page."), _NOTHING
    ),
    "hub_broken": Meant(
        _("something broke at the hub; nothing of this request was recorded"),
        _("Try again; if it stays, tell the registrant the time and the address."),
        "Look into the hub's web.log at that time.",
    ),
    "key_ambiguous": Meant(
        _("objects of several sites have this key"), _("Name the site by ?site=, or use the id."), _NOTHING
    ),
    "limit_wrong": Meant(_("a page has another number of rows"), _CALLER, _NOTHING),
    "method_unknown": Meant(_("the address has no such method"), _("Use one of those named."), _NOTHING),
    "nothing_here": Meant(
        _("there is nothing at this address"), _("Look at /api/v1/me or the document."), _NOTHING
    ),
    "parameter_twice": Meant(_("a parameter is given twice"), _CALLER, _NOTHING),
    "parameter_unknown": Meant(_("there is no such parameter"), _CALLER, _NOTHING),
    "epcis_format": Meant(
        _("identifiers are asked for in another spelling than they came in"),
        _("Leave GS1-EPC-Format away, or send Never_Translates."),
        _NOTHING,
    ),
    "queries_too_many": Meant(
        _("the site keeps as many named queries as it may"), _("Delete those that nobody asks."), _NOTHING
    ),
    "query_name_taken": Meant(
        _("a named query of that name stands already"), _("Take another name, or delete that one."), _NOTHING
    ),
    "query_unknown": Meant(
        _("the site has no named query of that name"), _("Look at /epcis/queries."), _NOTHING
    ),
    "subscription_not_built": Meant(
        _("subscriptions of EPCIS are not built"),
        _("Follow the event stream, or have a webhook made; both tell each captured event."),
        _NOTHING,
    ),
    "rate_exceeded": Meant(
        _("the token has asked too often"),
        _("Wait as long as Retry-After says."),
        "See what the program does.",
    ),
    "request_wrong": Meant(_("the request is not one of HTTP"), _CALLER, _NOTHING),
    "scope_missing": Meant(
        _("the token was not given this right, or its maker no longer has it"),
        _("Ask for a token with that right."),
        "Make a token with that right, or say no.",
    ),
    "sort_unknown": Meant(_("objects of this type have no such order"), _CALLER, _NOTHING),
    "token_invalid": Meant(
        _("the token is unknown, expired or revoked, or its maker may log in no more"),
        _("Ask for a new token."),
        "Make a new one on the page of tokens; find out who uses the old one.",
    ),
    "token_missing": Meant(
        _("the request bears no token"), _("Send `Authorization: Bearer` and the token."), _NOTHING
    ),
    "value_impossible": Meant(_("PostgreSQL knows no such value"), _CALLER, _NOTHING),
    "body_wrong": Meant(_("the body is not of the form described"), _CALLER, _NOTHING),
    "content_type_wrong": Meant(_("the body is of a kind not taken here"), _CALLER, _NOTHING),
    "idempotency_key_reused": Meant(
        _("the Idempotency-Key was used before for another request; nothing was written"),
        _("Use a new key for a new request, and the same key only to repeat one."),
        _NOTHING,
    ),
    "idempotency_key_wrong": Meant(_("the Idempotency-Key is none"), _CALLER, _NOTHING),
    "if_match_missing": Meant(
        _("a change does not say on which version it is made"),
        _("Read the object and send its ETag as If-Match."),
        _NOTHING,
    ),
    "if_match_wrong": Meant(_("If-Match is no version"), _("Send the ETag that you were given."), _NOTHING),
    "member_unknown": Meant(_("the body has a member that is not taken here"), _CALLER, _NOTHING),
    "operation_unknown": Meant(
        _("you have sent no operation of this id"), _("Look at the answer that named it."), _NOTHING
    ),
    "person_signs": Meant(
        _("the command is a signature, which no program gives"),
        _("Let a person give it on the object's page."),
        "Give it on the object's page, or say no.",
    ),
    "site_unknown": Meant(
        _("there is no such site, or it is another party's"), _("Name one of those."), _NOTHING
    ),
    "introspection_off": Meant(
        _("the schema cannot be asked for by a question"), _("Read /api/schema.graphql."), _NOTHING
    ),
    "query_too_costly": Meant(
        _("the question would read too much at once"), _("Ask for smaller pages or fewer fields."), _NOTHING
    ),
    "query_too_deep": Meant(_("the question is nested too deeply"), _("Ask in several questions."), _NOTHING),
    "query_too_wide": Meant(
        _("the question uses too many aliases"), _("Ask in several questions."), _NOTHING
    ),
    "query_wrong": Meant(_("the question does not fit the schema"), _CALLER, _NOTHING),
}
