"""How each object type is listed. A type that is not named here is listed as derived from its model."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from medloom.interfaces.web.listing import BulkAction, Listing, View
from medloom.interfaces.web.marks import INSPECTIONS, RECEIPTS

_HOLD = BulkAction("hold-raise", _("Put a hold on them"), "hand-stop")

LISTINGS: dict[str, Listing] = {
    listing.type: listing
    for listing in (
        Listing(
            "work_order",
            columns=(
                "key",
                "site",
                "state",
                "item",
                "quantity",
                "progress",
                "due",
                "planned_start",
                "revision",
                "entry",
            ),
            filters=("site", "state", "item", "due", "received"),
            totals=("quantity", "progress"),
            views=(
                View(_("All"), {}),
                View(_("Not yet released"), {"state": "draft"}),
                View(_("Reported by the plant"), {"state": "reported"}),
                View(_("At the plants"), {"state": "reported,released,acknowledged,in_process,on_hold"}),
                View(_("On hold"), {"state": "on_hold"}),
                View(_("Done"), {"state": "completed,closed"}),
            ),
            bulk=(BulkAction("dispatch-many", _("Dispatch to plant"), "send", who="registrant"),),
            empty=_(
                "Work orders appear here when the registrant dispatches one or a plant's own order arrives."
            ),
        ),
        Listing(
            "lot",
            columns=("key", "site", "item", "kind", "state", "made", "expires", "entry"),
            filters=("site", "item", "kind", "state", "made"),
            views=(
                View(_("All"), {}),
                View(_("Pending"), {"state": "pending"}),
                View(_("Rejected"), {"state": "rejected"}),
            ),
            bulk=(_HOLD,),
            empty=_("Lots appear here with the first receipt, step record or inspection that names one."),
        ),
        Listing(
            "scope",
            columns=("key", "title", "state", "lots", "devices", "supersedes", "as_of", "entry"),
            filters=("key", "title", "state"),
            views=(View(_("All"), {}),),
            empty=_("A scope that is frozen on the page Recall scope appears here."),
        ),
        Listing(
            "hold",
            columns=("key", "site", "state", "lot", "equipment", "cause", "spreads", "meaning", "entry"),
            filters=("site", "state", "lot"),
            views=(
                View(_("Open"), {"state": "open"}),
                View(_("Cleared"), {"state": "cleared"}),
                View(_("All"), {}),
            ),
            empty=_("Nothing is on hold. A hold placed on a lot, from its page, appears here at once."),
        ),
        Listing(
            "step_record",
            columns=(
                "key",
                "site",
                "day",
                "shift",
                "work_order",
                "item",
                "machine",
                "resin_lot",
                "output_lot",
                "shots",
                "total",
                "good",
            ),
            filters=("site", "day", "work_order", "machine", "mould", "resin_lot", "output_lot"),
            totals=("shots", "total", "good"),
            order="-day",
            empty=_("What a plant reports of each shift appears here."),
        ),
        Listing(
            "equipment_status",
            columns=("machine", "site", "since", "status", "reported", "program", "part", "alarm", "cause"),
            filters=("site", "machine", "status", "since"),
            order="-since",
            empty=_("States of machines appear here as soon as a plant's machine stream is connected."),
        ),
        Listing(
            "trace_event",
            columns=("key", "kind", "site", "happened", "biz_step", "disposition", "entry"),
            filters=("site", "kind", "biz_step", "disposition", "happened"),
            order="-happened",
            views=(
                View(_("All"), {}),
                View(_("Transformations"), {"kind": "TransformationEvent"}),
                View(_("Packing"), {"kind": "AggregationEvent,AssociationEvent"}),
            ),
            empty=_("Events appear here when a partner's system hands in an EPCIS document."),
        ),
        Listing(
            "parameter",
            columns=("key", "site", "state", "name", "item", "target", "low", "high", "entry"),
            filters=("site", "state", "item"),
            views=(
                View(_("All"), {}),
                View(_("In force"), {"state": "released"}),
                View(_("Draft"), {"state": "draft"}),
            ),
            empty=_("Parameter revisions appear here; a released one goes to its plant at once."),
        ),
        Listing(
            "result",
            columns=("key", "site", "lot", "specification", "sample", "value", "judged", "measured", "entry"),
            filters=("site", "lot", "specification", "judged", "measured"),
            views=(
                View(_("All"), {}),
                View(_("Failed"), {"judged": "fail"}),
            ),
            empty=_("Measured results appear here as soon as a plant's inspection sends them."),
        ),
        Listing(
            "inspection",
            columns=(
                "key",
                "site",
                "lot",
                "item",
                "laboratory",
                "kind",
                "performed",
                "results_count",
                "out_count",
                "stated",
                "entry",
            ),
            filters=("site", "kind", "laboratory", "lot", "item", "performed"),
            views=(
                View(_("All"), {}),
                View(_("Something out of limits"), {"found": "out"}),
                View(_("Incoming inspection"), {"kind": "incoming"}),
                View(_("First-article inspection"), {"kind": "first_article"}),
            ),
            marks=INSPECTIONS,
            empty=_("Inspections appear here as soon as a plant's laboratory sends the first file."),
        ),
        Listing(
            "serial",
            columns=("key", "site", "lot", "number", "made", "entry"),
            filters=("site", "lot", "number", "made"),
            empty=_("Units with a serial number of their own appear here, each with its lot."),
        ),
        Listing(
            "device",
            columns=("key", "brand", "model", "company", "agency", "status", "lot_marked", "serial_marked"),
            filters=("brand", "company", "agency", "status", "sterile"),
            views=(
                View(_("All"), {}),
                View(_("In commercial distribution"), {"status": "in_distribution"}),
            ),
            empty=_("Devices appear here when the registrant takes them from a catalogue file."),
        ),
        Listing(
            "receipt",
            columns=(
                "key",
                "site",
                "lot",
                "item",
                "partner",
                "partner_lot",
                "joined",
                "quantity",
                "received",
                "remark",
            ),
            filters=("site", "item", "partner", "vendor", "received"),
            order="-received",
            views=(
                View(_("All"), {}),
                View(_("Not joined with the sender's lot"), {"joined": "unjoined"}),
                View(_("Without the sender's lot number"), {"joined": "unnumbered"}),
            ),
            marks=RECEIPTS,
            empty=_("What a plant has taken in appears here, with the sender's lot beside its own."),
        ),
        Listing(
            "shipment",
            columns=("key", "site", "consignee", "shipped", "remark", "entry"),
            filters=("site", "consignee", "shipped"),
            order="-shipped",
            empty=_("What left a plant for a consignee appears here, lot by lot."),
        ),
        Listing(
            "alert",
            columns=("key", "site", "kind", "state", "feed", "detail", "since"),
            filters=("site", "kind", "state", "feed"),
            views=(
                View(_("All"), {}),
                View(_("To look at"), {"state": "raised,acknowledged"}),
                View(_("Closed"), {"state": "closed"}),
            ),
            empty=_(
                "No feed has been late, changed its form or broken a rule so far. The hub looks every minute."
            ),
        ),
        Listing(
            "correction",
            columns=("key", "site", "kind", "state", "came", "meant", "feed", "times"),
            filters=("site", "kind", "state", "subject"),
            views=(
                View(_("All"), {}),
                View(_("To decide"), {"state": "proposed"}),
                View(_("Accepted"), {"state": "accepted"}),
                View(_("Undone"), {"state": "undone"}),
            ),
            empty=_(
                "Spellings that keep coming and values off by a factor are proposed here; nothing changes."
            ),
        ),
        Listing(
            "purchase_line",
            columns=("key", "site", "item", "quantity", "received", "rejected", "stocked", "due"),
            filters=("site", "order", "item", "due"),
            order="-due",
            empty=_("What a plant's ERP has ordered appears here as its agent polls it."),
        ),
    )
}


def listing_of(type_: str) -> Listing:
    """The declaration of a type's list, or the derived one."""
    return LISTINGS.get(type_) or Listing(type_)
