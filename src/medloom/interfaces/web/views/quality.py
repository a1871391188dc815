"""The quality board: what each plant's data is worth, what was found in it, the way to every row."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.governance import queries as asked
from medloom.governance import rules
from medloom.governance.measuring import judged, near_by_feed
from medloom.governance.models import Alert
from medloom.interfaces.web import queries
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.telling import DRIFTS, MEASURE_WORDS, alert_words
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.views.overview import ago
from medloom.interfaces.web.words import cause_of
from medloom.kernel.entity import catalogue

MEASURES: dict[str, tuple[object, object]] = {
    name: (MEASURE_WORDS[name], said)
    for name, said in {
        "completeness": gettext_lazy("Needed values that are there."),
        "validity": gettext_lazy("Rows that were not refused."),
        "balance": gettext_lazy("Rows whose sums are right."),
        "timeliness": gettext_lazy("The newest row within its promise."),
        "uniqueness": gettext_lazy("Lots without a near twin."),
        "units": gettext_lazy("Values that came with the right unit."),
        "drift": gettext_lazy("The feed looks as it did before."),
    }.items()
}
#: Open alerts shown on the board itself; the rest stand in their list.
ALERTS_SHOWN = 8
#: Rows of a feed shown behind a measure, the newest of them.
ROWS_SHOWN = 50
#: Of what was found in a cell, so many characters are shown; the record has all of it.
FOUND_CHARACTERS = 80


def tone_of(score: float) -> str:
    """How a score is coloured; the figure stands beside it."""
    return "good" if score >= 95 else "warn" if score >= rules.SCORE_BROKEN else "bad"


def feeds_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Every feed that this person may see, judged, with its words and the ways on from it."""
    from medloom.interfaces.web.views.matches import pairs_of

    near = near_by_feed([(pair["first"].object, pair["second"].object) for pair in pairs_of(viewer)], now())
    found = judged(now(), site="" if viewer.registrant else viewer.site, near=near)
    for feed in found:
        question = urlencode({"site": feed["site"], "feed": feed["feed"], "type": feed["type"]})
        feed |= {
            "title": title_of(feed["type"]),
            "plant": viewer.sites.get(feed["site"], feed["site"]),
            "tone": tone_of(feed["score"]),
            "ago": ago(feed["newest"], now()),
            "address": f"{reverse('web:quality-feed')}?{question}",
            "spark": spark(feed["trend"]),
            "short": [(each, tone_of(each.score)) for each in feed["measures"]],
        }
    return found


def spark(trend: list[tuple[Any, float]]) -> list[tuple[int, float, float]]:
    """Bars of the last days, the newest at the right: left edge, top, height in a picture of 14 by 20."""
    days = trend[-14:]
    return [
        (at, round(20 - max(1.0, value / 5), 1), round(max(1.0, value / 5), 1))
        for at, (_day, value) in enumerate(days, 14 - len(days))
    ]


def findings_of(viewer: Viewer) -> list[dict[str, Any]]:
    """What was found wrong with goods, by plant and kind, each with the way to its lots."""
    return [
        {
            **row,
            "word": cause_of(row["code"]).label,
            "plant": viewer.sites.get(row["site"], row["site"]),
            "address": f"{reverse('web:findings')}?{urlencode({'site': row['site'], 'code': row['code']})}",
        }
        for row in asked.held_by_finding()
    ]


def alerts_of(viewer: Viewer, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Open alerts of the data in words, the newest first."""
    words = dict(Alert._meta.get_field("kind").choices or ())
    return [
        {
            **row,
            "word": words.get(row["kind"], row["kind"]),
            "rule": alert_words(row["detail"]),
            "plant": viewer.sites.get(row["site"], row["site"]),
            "address": object_address("alert", row["object"]),
        }
        for row in reversed(rows)
        if row["site"] in viewer.sites
    ]


def _export(request: HttpRequest, feeds: list[dict[str, Any]]) -> HttpResponse:
    head = [
        *(_("Plant"), _("Feed"), _("Type"), _("Score")),
        *(str(label) for label, _said in MEASURES.values()),
        *(_("Rows of the last week"), _("Newest")),
    ]
    rows = [
        [
            *(feed["plant"], feed["feed"], str(feed["title"]), feed["score"]),
            *(each.score for each in feed["measures"]),
            *(feed["new"].rows, feed["newest"].isoformat()),
        ]
        for feed in feeds
    ]
    return spreadsheet(
        request, name="quality", title=_("Quality board"), head=head, rows=rows, count=len(rows)
    )


def show_quality(request: HttpRequest) -> HttpResponse:
    """Scores of plants and feeds, open findings, holds, conflicts, disagreements, refused rows."""
    viewer = viewer_of(request)
    feeds = sorted(feeds_of(viewer), key=lambda feed: (feed["score"], feed["site"], feed["feed"]))
    if request.GET.get("export") == "xlsx":
        return _export(request, feeds)
    figures, alerts = asked.open_figures(), asked.open_alerts()
    waiting = {row["site"]: row["waiting"] for row in queries.plant_figures()}
    plants = []
    for code, name in viewer.sites.items():
        mine = [feed for feed in feeds if feed["site"] == code]
        if code == HQ and not mine:
            continue
        score = rules.overall([(feed["score"], feed["new"].rows) for feed in mine])
        plants.append(
            {
                "code": code,
                "name": name,
                "score": score if mine else None,
                "tone": tone_of(score),
                "feeds": len(mine),
                "rows": sum(feed["new"].rows for feed in mine),
                "waiting": waiting.get(code, 0),
                "alerts": sum(row["site"] == code for row in alerts),
                **{
                    name: figures.get(code, {}).get(name, 0)
                    for name in ("holds", "conflicts", "disagreements")
                },
            }
        )
    context = {
        "plants": plants,
        "feeds": feeds,
        "alerts": alerts_of(viewer, alerts)[:ALERTS_SHOWN],
        "more_alerts": max(0, sum(row["site"] in viewer.sites for row in alerts) - ALERTS_SHOWN),
        "findings": findings_of(viewer),
        "counted": asked.counted_to(),
        "zone": viewer.zones.get(viewer.site, "UTC"),
        "several": len(viewer.sites) > 1,
        "measures": list(MEASURES.values()),
        "disagreements": "disagreement" in catalogue(),
    }
    return render(request, "medloom/quality.html", context)


def show_feed(request: HttpRequest) -> HttpResponse:
    """One feed: each measure with how many rows broke it, and those rows."""
    viewer = viewer_of(request)
    site, feed, type_ = (request.GET.get(name, "") for name in ("site", "feed", "type"))
    found = next(
        (f for f in feeds_of(viewer) if (f["site"], f["feed"], f["type"]) == (site, feed, type_)), None
    )
    if found is None:
        raise Http404
    measure = request.GET.get("measure", "validity")
    chosen = next((each for each in found["measures"] if each.name == measure), found["measures"][0])
    counted, rows = asked.counted_to(), []
    if counted is not None and (chosen.codes or chosen.name == "validity"):
        rows = asked.rows_of(
            site=site, feed=feed, type_=type_, codes=chosen.codes, counted=counted, since=found["since"],
            most=ROWS_SHOWN,
        )  # fmt: skip
    whole = found["new"].share(chosen.codes) if chosen.codes else found["new"].refused
    for row in rows:
        decision = orjson.loads(row["decision"]) if row["decision"] else {}
        told = [each for each in (decision.get("refusal"), *(decision.get("findings") or ())) if each]
        row["causes"] = [
            {
                "label": cause_of(str(each.get("code", ""))).label,
                "path": str(each.get("path", "")).removeprefix("/fields"),
                "got": str(each.get("got", ""))[:FOUND_CHARACTERS],
            }
            for each in told
        ]
        row["address"] = reverse("web:record", args=[row["seq"]])
    context = {
        "feed": found,
        "zone": viewer.zones.get(site, "UTC"),
        "measures": [(each, *MEASURES[each.name], tone_of(each.score)) for each in found["measures"]],
        "chosen": chosen,
        "chosen_label": MEASURES[chosen.name][0],
        "rows": rows,
        "more": max(whole, len(rows)) if len(rows) == ROWS_SHOWN and whole > ROWS_SHOWN else 0,
        "counted": counted,
        "drifts": [(each, DRIFTS.get(each.kind, each.kind)) for each in found["drifts"]],
        "rules": sorted(found["new"].rules.items(), key=lambda pair: -pair[1]),
    }
    return render(request, "medloom/quality-feed.html", context)


def show_findings(request: HttpRequest) -> HttpResponse:
    """The lots that one kind of finding holds, with the values and the record that prove it."""
    viewer = viewer_of(request)
    site, code = request.GET.get("site", "")[:16], request.GET.get("code", "")[:64]
    lots: dict[str, dict[str, Any]] = {}
    for row in asked.held_lots(site=site, code=code):
        lot = lots.setdefault(f"{row['site']}/{row['lot']}", {**row, "proofs": []})
        kind = "result" if row["proof_type"] == "result" else "step_record"
        address = object_address(kind, row["proof"]) if row["proof"] else ""
        lot["proofs"].append((row["proof_key"], address))
    outside = asked.out_of_limits([lot["num"] for lot in lots.values()]) if code == "out_of_limits" else {}
    for lot in lots.values():
        lot["plant"] = viewer.sites.get(lot["site"], lot["site"])
        lot["address"] = object_address("lot", lot["lot_object"])
        lot["hold_address"] = object_address("hold", lot["hold_object"])
        lot["outside"] = outside.get(lot["num"], [])
        for each in lot["outside"]:
            each["address"] = object_address("result", each["object"])
    why = cause_of(code)
    context = {
        "lots": list(lots.values()),
        "why": why,
        "plant": viewer.sites.get(site, site) or _("all plants"),
        "limits": code == "out_of_limits",
        "several": not site and len(viewer.sites) > 1,
    }
    return render(request, "medloom/quality-findings.html", context)
