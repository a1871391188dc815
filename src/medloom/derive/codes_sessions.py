"""What the codes of a session between a site's agent and the hub mean."""

from __future__ import annotations

from medloom.derive.meant import Meant

_AGENT = "Nothing: the agent mends this itself. If it stays, update the agent."
_SESSION = "Nothing: the agent opens a new session."

#: Sessions between a site's agent and the hub.
SESSION = {
    "busy": Meant("others write the same objects just now", "Nothing: the agent sends the same again."),
    "chain_differs": Meant(
        "the numbers continue another history than the hub has",
        "Do not start a second agent; tell the registrant.",
        "Find out whether the site was restored or cloned, and choose on the connections page.",
    ),
    "cloned": Meant(
        "two agents run with one site's store",
        "Stop the copy.",
        "Choose on the connections page which of the two goes on.",
    ),
    "code_wrong": Meant(
        "the one-time code is wrong, used or expired", "Ask for a new code.", "Make a new code."
    ),
    "digest_differs": Meant("the body is not the one that was signed", _AGENT),
    "encoding_broken": Meant("the compressed body cannot be taken apart", _AGENT),
    "encoding_unknown": Meant("the body is compressed in a way not taken here", _AGENT),
    "fenced": Meant("a newer session of this site is open", _SESSION),
    "foreign_site": Meant(
        "a site speaks for another one", "Use this site's own key.", "Look into it: it is logged as an alarm."
    ),
    "gap": Meant("numbers are missing before these", _SESSION),
    "hand_back_first": Meant("the hub was restored and lacks lines that this site has", _SESSION),
    "hub_behind": Meant("the feed is shorter than what the site has read", _SESSION),
    "hub_epoch": Meant("the hub was restored since the session began", _SESSION),
    "hub_unfit": Meant(
        "the hub cannot write just now",
        "Nothing: the agent keeps everything and comes back.",
        "Run `medloom doctor` at the hub.",
    ),
    "length_missing": Meant("the request does not say how long it is", _AGENT),
    "message_wrong": Meant("the request is not a message of the protocol", _AGENT),
    "no_site": Meant(
        "the person or program belongs to no site", "Ask for an account of your site.", "Set the site."
    ),
    "no_hub": Meant(
        "the hub does not answer",
        "Look at the network; everything is kept and sent when it answers again.",
        "Run `medloom doctor` at the hub.",
    ),
    "not_enrolled": Meant(
        "the hub knows no valid key of this site", "Enrol with a one-time code.", "Make a code."
    ),
    "op_id_reuse": Meant(
        "an operation's number was used for other content before",
        "Stop the agent and tell the registrant.",
        "Alarm: find out whether the store was copied or tampered with.",
    ),
    "request_too_slow": Meant(
        "the body of a request came too slowly",
        "Nothing: the agent sends it again. If it stays, look at the line.",
        "Look at the address in the hub's web.log if it comes often.",
    ),
    "schema_too_new": Meant(
        "the agent is newer than the hub", "Wait for the hub's update.", "Update the hub."
    ),
    "signature_invalid": Meant(
        "the signature is not of a valid key of this site", "Enrol again if it stays."
    ),
    "signature_missing": Meant("the request is not signed", _AGENT),
    "too_many_lines": Meant("too many lines are handed back at once", _AGENT),
    "versions_out_of_order": Meant(
        "two entries of one object stand in the wrong order",
        "Nothing.",
        "Alarm: the sequencer has stopped; keep the database as it is and ask for help.",
    ),
}
