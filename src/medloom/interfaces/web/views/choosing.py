"""Two agents claim to be one site: both side by side, and a person's choice which one goes on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.overview import ago
from medloom.interfaces.web.writing import act_of, must_accept, reason_of
from medloom.kernel.alarms import see
from medloom.kernel.models import Alarm, Session
from medloom.parties.agents import Agent, Agents, agents_of, choose_agent
from medloom.parties.models import Connection
from medloom.wire.verdict import Answer


@dataclass(frozen=True)
class Side:
    """One of the agents as a person compares them."""

    agent: Agent
    heard: dt.datetime
    heard_ago: str
    #: Records it sent: how many, the first and the newest, and the newest source it named.
    sent: dict[str, Any]


def sides_of(agents: Agents) -> list[Side]:
    """The running agents, the one that sent most in front."""
    present = now()
    sent = queries.sent_by([agent.epoch for agent in agents.running])
    found = []
    for agent in agents.running:
        heard = dt.datetime.fromtimestamp(agent.heard_s, dt.UTC)
        told = sent.get(agent.epoch, {"count": 0, "first": None, "last": None, "place": ""})
        found.append(Side(agent, heard, ago(heard, present), told))
    return sorted(found, key=lambda side: -int(side.sent["count"]))


def _barred(viewer: Viewer, agents: Agents, connection: Connection | None) -> str:
    """Why this person cannot choose; empty when they can."""
    if not agents.cloned:
        return str(_("Only one agent speaks for this plant: there is nothing to choose."))
    if not viewer.registrant or not writes(viewer, "connection"):
        return str(_("The registrant's information technology chooses."))
    if connection is None:
        return str(_("Declare the plant's port first: the choice is recorded on it."))
    return ""


def choose(request: HttpRequest, site: str) -> HttpResponse | Writing:
    """Show both agents and what follows; record the choice on the plant's port and let the agent go on."""
    viewer = viewer_of(request)
    if site not in viewer.sites:
        raise Http404
    agents = agents_of(Session.objects.filter(site=site).first())
    connection = Connection.objects.filter(site=site, voided=False).order_by("num").first()
    barred = _barred(viewer, agents, connection)
    context = {
        "plant": viewer.sites[site],
        "zone": viewer.zones.get(site, "UTC"),
        "sides": sides_of(agents),
        "barred": barred,
        "reason": request.POST.get("reason", ""),
    }
    if request.method != "POST":
        return render(request, "medloom/choose-agent.html", context)
    if barred or connection is None:
        raise Problem(409, "nothing_to_do", expected=barred)
    epoch = request.POST.get("agent", "")
    if epoch not in {agent.epoch for agent in agents.running}:
        raise Problem(422, "not_a_choice", path="/agent", expected=_("one of the two agents"), got=epoch[:64])
    operation = act_of(viewer).change(
        "connection",
        str(connection.object),
        site=site,
        base=connection.version,
        fields={"agent": epoch},
        reason=reason_of(request.POST),
    )

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        if not choose_agent(site, epoch):
            raise Problem(409, "nothing_to_do", expected=_("two agents of this plant"))
        alarms = Alarm.objects.filter(site=site, code="clone", seen_at__isnull=True)
        see(list(alarms.values_list("id", flat=True)), who=viewer.actor, at=now())
        messages.success(
            request, _("Chosen. It goes on at once; the other only hands in what it holds: stop its machine.")
        )
        return HttpResponseRedirect(reverse("web:connections"))

    return Writing([operation], then)
