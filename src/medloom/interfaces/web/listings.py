"""How each object type is listed. A type that is not named here is listed as derived from its model."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from medloom.interfaces.web.listing import BulkAction, Listing, View

_HOLD = BulkAction("hold-raise", _("Put a hold on them"), "hand-stop")

LISTINGS: dict[str, Listing] = {
    listing.type: listing
    for listing in (
        Listing(
            "work_order",
            views=(
                View(_("All"), {}),
                View(_("Not yet released"), {"state": "draft"}),
                View(_("At the plants"), {"state": "released,acknowledged,in_process,on_hold"}),
                View(_("On hold"), {"state": "on_hold"}),
                View(_("Done"), {"state": "completed,closed"}),
            ),
            bulk=(BulkAction("dispatch-many", _("Dispatch to plant"), "send", who="registrant"),),
            empty=_("Work orders appear here when the registrant dispatches one or a plant's own order arrives."),
        ),
        Listing(
            "lot",
            views=(
                View(_("All"), {}),
                View(_("Pending"), {"state": "pending"}),
                View(_("Rejected"), {"state": "rejected"}),
            ),
            bulk=(_HOLD,),
            empty=_("Lots appear here with the first receipt, step record or inspection that names one."),
        ),
        Listing(
            "hold",
            views=(
                View(_("Open"), {"state": "open"}),
                View(_("Cleared"), {"state": "cleared"}),
                View(_("All"), {}),
            ),
            empty=_("Nothing is on hold. A hold placed on a lot, from its page, appears here at once."),
        ),
        Listing("step_record", empty=_("What a plant reports of each shift appears here.")),
    )
}


def listing_of(type_: str) -> Listing:
    """The declaration of a type's list, or the derived one."""
    return LISTINGS.get(type_) or Listing(type_)
