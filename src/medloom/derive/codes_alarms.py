"""What the hub itself notices, and the alarms that agents raise through it."""

from __future__ import annotations

from medloom.derive.meant import Meant

#: What the hub itself notices and shows on the connections page.
ALARMS = {
    "hub_busy": Meant(
        "the hub has asked an agent to wait for more than a minute",
        "Nothing: it is asked again every half minute and everything is kept.",
        "Run `medloom doctor` at the hub.",
    ),
    "hub_fails": Meant(
        "the hub has answered an agent's request with an error for more than a minute",
        "Tell the registrant the status and the path; everything is kept and tried again every half minute.",
        "Look into the hub's web.log at that time, and run `medloom doctor`.",
    ),
    "hub_refused": Meant(
        "the hub refuses an agent for a reason that only a person can mend",
        "Look up the code named in it; everything is kept and tried again every five minutes.",
        "Look at the site's keys and session on the connections page.",
    ),
    "hub_unreachable": Meant(
        "an agent has reached no hub for more than a minute",
        "Check the hub's address, the network and the certificate; everything is kept meanwhile.",
        "Ask the plant; nothing is lost meanwhile.",
    ),
    "store_rebuilt": Meant(
        "an agent's store was damaged: put aside, and made anew from the hub's snapshot and the plant's rows",
        "Look at the disk; delete the file named when nobody needs it any more, and restart the agent.",
        "Settle the conflicts that may come of it; edits not yet sent are told again from the plant's rows.",
    ),
    "store_filling": Meant(
        "an agent's store is filled to 70 %",
        "Raise quota_mib in the agent's configuration, or free space on its disk.",
        "Help the plant to make room before edits have to wait.",
    ),
    "store_nearly_full": Meant(
        "an agent's store is filled to 90 %: edits of the plant wait, observations are still taken",
        "Raise quota_mib in the agent's configuration, or free space on its disk.",
        "Help the plant to make room.",
    ),
    "store_full": Meant(
        "an agent's store is full: nothing more is read; files and tables keep it until there is room",
        "Raise quota_mib in the agent's configuration, or free space on its disk.",
        "Help the plant to make room at once.",
    ),
    "feeds_held": Meant(
        "an open transaction on the database server holds the feeds up: records are kept and not passed on",
        "Nothing.",
        "Run `medloom doctor` at the hub: it names the session; let it end, or end it.",
    ),
    "agent_silent": Meant(
        "a site's agent has not been heard of for long",
        "Look whether the agent runs and reaches the hub.",
        "Ask the plant; nothing is lost meanwhile.",
    ),
}
