"""The page map: which pages there are, in which order, and who sees them in the sidebar."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Page:
    """One line of the sidebar. `types` are the object types whose pages belong under it."""

    name: str
    label: object
    icon: str
    types: tuple[str, ...] = ()
    #: "all" sees it, or only the registrant's people.
    who: str = "all"
    #: Names of further pages that belong under this line.
    also: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where it is: a named page, or the list of an object type."""
        if self.name.startswith("list:"):
            return reverse("web:list", args=[self.name.removeprefix("list:")])
        return reverse(f"web:{self.name}")


@dataclass(frozen=True)
class Chapter:
    """A heading of the sidebar with its pages."""

    label: object
    pages: tuple[Page, ...]


def of_type(name: str, label: object, icon: str, **more: object) -> Page:
    """The page that lists one object type."""
    return Page(f"list:{name}", label, icon, types=(name,), **more)  # type: ignore[arg-type]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "",
        (
            Page("overview", _("Overview"), "home"),
            Page("tasks", _("My tasks"), "checklist"),
        ),
    ),
    Chapter(
        _("Orders"),
        (
            of_type("work_order", _("Work orders"), "clipboard-list"),
            of_type("step_record", _("Step records"), "timeline"),
        ),
    ),
    Chapter(
        _("Purchasing"),
        (
            of_type("purchase_order", _("Purchase orders"), "shopping-cart"),
            of_type("purchase_line", _("Purchase lines"), "list"),
            of_type("vendor", _("Vendors"), "building-store"),
            of_type("supply", _("Sources of supply"), "truck"),
        ),
    ),
    Chapter(
        _("Materials"),
        (
            of_type("lot", _("Lots"), "stack-2"),
            of_type("serial", _("Serial numbers"), "hash"),
            Page("stock", _("Stock"), "box"),
            of_type("move", _("Moves"), "transfer"),
            of_type("receipt", _("Receipts"), "truck-loading"),
            of_type("shipment", _("Shipments"), "truck-delivery"),
            of_type("consignee", _("Consignees"), "map-pin", who="registrant"),
            of_type("alias", _("Lot aliases"), "link"),
            of_type("hold", _("Holds"), "hand-stop"),
        ),
    ),
    Chapter(
        _("Trace and recall"),
        (
            Page("scope", _("Recall scope"), "target-arrow", also=("scope-frozen",)),
            of_type("scope", _("Frozen scopes"), "lock"),
            Page("trace", _("Genealogy"), "affiliate"),
            of_type("trace_event", _("Trace events"), "route"),
        ),
    ),
    Chapter(
        _("Inspection"),
        (
            Page("measured", _("Parts against limits"), "grid-dots", also=("characteristic",)),
            of_type("inspection", _("Inspections"), "microscope"),
            of_type("result", _("Inspection results"), "list-details"),
            of_type("disagreement", _("Laboratories that disagree"), "git-compare"),
            of_type("gauge", _("Gauges"), "ruler-measure"),
            of_type("specification", _("Specifications"), "ruler-measure"),
        ),
    ),
    Chapter(
        _("Equipment"),
        (
            of_type("equipment", _("Machines and moulds"), "tool"),
            Page("timeline", _("Equipment timeline"), "timeline-event"),
            of_type("equipment_status", _("Equipment status"), "activity"),
        ),
    ),
    Chapter(
        _("Design"),
        (
            of_type("item", _("Items"), "package"),
            of_type("device", _("Devices"), "barcode"),
            Page("udi", _("Scan or type a UDI"), "scan"),
            Page(
                "catalogue", _("Catalogue from a file"), "upload", also=("catalogue-file",), who="registrant"
            ),
            of_type("bom", _("Bills of materials"), "subtask"),
            of_type("document", _("Documents"), "file-text"),
            of_type("bom_row", _("Product structure"), "hierarchy"),
            of_type("parameter", _("Process parameters"), "adjustments"),
        ),
    ),
    Chapter(
        _("Partners"),
        (
            of_type("party", _("Parties"), "users"),
            of_type("site", _("Plants"), "building-factory-2"),
            Page("alarms", _("Alarms"), "alert-triangle"),
            Page("subscriptions", _("Webhooks"), "webhook", also=("subscription", "delivery")),
            Page(
                "connections",
                _("Connections and agents"),
                "plug-connected",
                also=("choose-agent",),
                types=("connection",),
            ),
            Page("tokens", _("API tokens"), "key"),
        ),
    ),
    Chapter(
        _("Data"),
        (
            Page("quality", _("Quality board"), "gauge", also=("quality-feed", "findings")),
            Page("map", _("Data map"), "map", also=("map-node",)),
            Page("intake", _("Send data by hand"), "upload", also=("intake-form", "upload")),
            Page(
                "repair",
                _("Repair desk"),
                "inbox",
                also=("repair-group", "repair-row", "dismissed", "mended"),
            ),
            Page("matches", _("Similar lots"), "arrows-split"),
            Page("conflicts", _("Conflicts"), "git-compare", also=("conflict",)),
            of_type("alert", _("Data alerts"), "bell"),
            of_type("correction", _("Proposed corrections"), "wand"),
            Page("dictionary", _("Data dictionary"), "list-details"),
            of_type("plant_code", _("Plants' codes"), "hash"),
        ),
    ),
    Chapter(_("Ledger"), (Page("ledger", _("All records"), "history", also=("record",)),)),
)
