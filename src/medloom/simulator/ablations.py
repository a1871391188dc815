"""One mechanism taken out at a time, to show that the oracle notices and that the mechanism is needed.

Each is a replacement class, made here and nowhere else: no switch in the product takes them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from medloom.simulator.hub_actor import HubActor, SimulatedStore
from medloom.simulator.run import Parts
from medloom.simulator.site_actor import SiteActor
from medloom.wire.hub import HubMachine, Meeting
from medloom.wire.messages import Hello, Mode, Page, Pull, Rung, Welcome
from medloom.wire.operation import CHAINS, Operation
from medloom.wire.rows import SHADOWS, Rows, load
from medloom.wire.session import SiteSession, Speaker
from medloom.wire.shadow import Edit, Shadow
from medloom.wire.sheet import Basis
from medloom.wire.site import SiteMachine
from medloom.wire.stores import Own
from medloom.wire.writing import Draft, write

# -- no new epoch at agent start ----------------------------------------------------------------


class _OneEpochMachine(SiteMachine):
    def start(self) -> None:
        with self.store.transaction():
            self.store.begin_epoch(self.site.encode().hex().ljust(32, "0"))
        self.close()


class _OneEpochSite(SiteActor):
    machine_class = _OneEpochMachine


# -- no chain check -----------------------------------------------------------------------------


class _TrustingHub(HubMachine):
    """Believes a cursor: a position is a position."""

    def _meet(self, hello: Hello) -> Meeting:
        feeds: dict[str, Rung] = {}
        rewound = False
        for feed in CHAINS:
            ladder = hello.feeds.get(feed, ())
            end = self.store.feed_end(hello.site, feed)
            last = ladder[0] if ladder else Rung(0, end.head)
            feeds[feed] = last if last.position <= end.position else end
            rewound = rewound or last.position > end.position
        return Meeting(feeds, rewound, self.store.seq_at(hello.site, "c", feeds["c"].position))


class _TrustingHubActor(HubActor):
    machine_class = _TrustingHub


class _TrustingMachine(SiteMachine):
    def _page(self, ask: Pull, page: Page) -> None:
        if self.store.cursor(page.feed).position != ask.after:
            return
        with self.store.transaction():
            self.store.take(page.feed, page.lines, [page.head] * len(page.lines))
        assert self.welcome is not None
        if self.store.cursor(page.feed).position >= page.end:
            self._due.discard(page.feed)


class _TrustingSite(SiteActor):
    machine_class = _TrustingMachine


# -- no hand-back -------------------------------------------------------------------------------


class _ForgettingMachine(SiteMachine):
    """Cuts what the hub lost, and thinks no more of it."""

    def _open(self, welcome: Welcome) -> None:
        with self.store.transaction():
            for feed, rung in welcome.feeds.items():
                edge = max((each.position for each in self.store.rungs(feed, [])), default=0)
                self.store.cut(feed, max(rung.position, edge))
            self.store.set_hub_epoch(welcome.hub)
        self._nonce, self._due, self._barred = "", set(CHAINS), False
        self._snapshot_after = "" if welcome.snapshot else None
        self.welcome = welcome


class _ForgettingSite(SiteActor):
    machine_class = _ForgettingMachine


# -- no base check ------------------------------------------------------------------------------


class _AnyBaseStore(SimulatedStore):
    def basis(self, operation: Operation, basis: Basis) -> Basis:
        head = self.heads.get(operation.object)
        return Basis(head.version, frozenset({1})) if head is not None else basis


class _AnyBaseHub(HubActor):
    store_class = _AnyBaseStore


# -- no shadow ----------------------------------------------------------------------------------


def _seen(shadow: Shadow, row: Mapping[str, Any]) -> dict[str, bytes | None]:
    return {shadow.key: msgspec.json.encode(msgspec.structs.replace(shadow, values=dict(row)))}


class _NewestRows(Rows):
    """Compares a row with the newest state and takes that as the base; writes without reading again."""

    def poll(self, key: str, row: Mapping[str, Any] | None) -> list[Own]:
        shadow = load(self.store, key)
        head = self.store.head(shadow.object) if shadow is not None else None
        if shadow is None or head is None or row is None or not shadow.values:
            return []
        fields = {
            name: row[name]
            for name in self.fields
            if name in row and row[name] != shadow.values.get(name) and row[name] != head.values.get(name)
        }
        if not fields:
            return []
        with self.store.transaction():
            (own,) = write(self.store, [self._newest(shadow, fields, head.version)], site=self.site)
            self.store.put(SHADOWS, _seen(shadow, row))
        return [own]

    def _newest(self, shadow: Shadow, fields: dict[str, Any], version: int) -> Draft:
        draft = self.draft(shadow, Edit(fields, version))
        return Draft(**{**vars(draft), "base": None, "hub": ""})

    def plan(self, key: str) -> dict[str, Any]:
        shadow = load(self.store, key)
        head = self.store.head(shadow.object) if shadow is not None else None
        if shadow is None or head is None:
            return {}
        shown = {name: head.values[name] for name in self.fields if name in head.values}
        return {name: value for name, value in shown.items() if shadow.values.get(name) != value}

    def prepare(self, key: str, row: Mapping[str, Any]) -> dict[str, Any]:
        return self.plan(key)

    def confirm(self, key: str, row: Mapping[str, Any]) -> bool:
        shadow = load(self.store, key)
        assert shadow is not None
        with self.store.transaction():
            self.store.put(SHADOWS, _seen(shadow, row))
        return True


class _NewestSite(SiteActor):
    rows_class = _NewestRows


# -- no fencing ---------------------------------------------------------------------------------


class _OpenHub(HubMachine):
    """Takes packets of any session there ever was."""

    def speaker(self, row: SiteSession, token: str) -> Speaker | None:
        found = super().speaker(row, token)
        if found is None and row.speakers:
            return Speaker(row.speakers[-1].epoch, token, row.speakers[-1].heard_s, Mode.FULL)
        return found


class _OpenHubActor(HubActor):
    machine_class = _OpenHub


# -- sequence numbers drawn before the locks ------------------------------------------------------


class _EarlyNumbersHub(HubActor):
    numbers_before_locks = True


@dataclass(frozen=True)
class Ablation:
    """A mechanism, and a simulator without it."""

    name: str
    removes: str
    parts: Parts


ABLATIONS = {
    each.name: each
    for each in (
        Ablation("epoch", "a new epoch at every agent start", Parts(site=_OneEpochSite)),
        Ablation("chain", "comparing chain heads", Parts(hub=_TrustingHubActor, site=_TrustingSite)),
        Ablation("hand_back", "handing back what a restored hub lost", Parts(site=_ForgettingSite)),
        Ablation("base", "judging an edit by the version it was made on", Parts(hub=_AnyBaseHub)),
        Ablation("shadow", "the shadow of a plant's row", Parts(site=_NewestSite)),
        Ablation("fencing", "the session token of a push", Parts(hub=_OpenHubActor)),
        Ablation("locks", "drawing sequence numbers under the locks", Parts(hub=_EarlyNumbersHub)),
    )
}
