"""A hub restored from a backup: a new epoch, which sites have come back, and the end of waiting.

Works on a plain psycopg connection, since an operator's command runs it as well as the hub itself.
Every step is a row of the ledger's table `recovery`: who, when, why; nothing of it is ever changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from medloom.wire.merkle import Frontier
from medloom.wire.session import SiteSession

_SESSION = msgspec.json.Decoder(SiteSession)
#: What a site has done so far.
RETURNED, HANDING_BACK, SILENT = "returned", "handing_back", "not_heard"


@dataclass(frozen=True)
class SiteReturn:
    """One site that the hub waits for: how far it is, and how many lines it has handed back."""

    site: str
    state: str
    lines: int


@dataclass(frozen=True)
class Progress:
    """How a recovery stands.

    since   the last entry known to be common with the epoch before
    unseen  ranges of lost entry numbers, up to the highest that any site showed, which no site has
            handed back: what had reached no site, or only one that is still to come
    """

    hub: str
    since: int
    began: str
    by: str
    reason: str
    recovering: bool
    ended: str
    ended_by: str
    ended_reason: str
    sites: tuple[SiteReturn, ...]
    unseen: tuple[tuple[int, int], ...]


def begin(cursor: Any, *, epoch: str, since: int, by: str, reason: str) -> None:
    """Start a new hub epoch in recovery and end every session. Waits for the sites that ever spoke."""
    cursor.execute(
        "insert into hub (epoch, since, recovering, started) values (%s, %s, true, now())",
        (uuid.UUID(epoch), since),
    )
    _note(cursor, "begun", by=by, reason=reason)
    rows = cursor.execute("select state from agent_session order by site for update").fetchall()
    for row in rows:
        kept = _SESSION.decode(row["state"])
        if kept.speakers or kept.fenced:
            _note(cursor, "awaited", site=kept.site)
        ended = msgspec.structs.replace(kept, speakers=())
        cursor.execute(
            "update agent_session set state = %s where site = %s",
            (msgspec.json.encode(ended).decode(), kept.site),
        )


def end(cursor: Any, *, by: str, reason: str) -> None:
    """Wait no longer. What a site hands back afterwards is taken all the same."""
    _note(cursor, "ended", by=by, reason=reason)


def took(cursor: Any, site: str, *, new: int, seqs: Sequence[int]) -> None:
    """Note that a site handed back lines of these entries, and how many of them the hub had lost."""
    if seqs:
        text = ",".join(f"{first}-{last}" for first, last in _ranges(seqs))
        _note(cursor, "part", site=site, lines=new, seqs=text)


def _note(cursor: Any, event: str, *, site: str = "", by: str = "", reason: str = "", lines: int = 0,
          seqs: str = "") -> None:  # fmt: skip
    cursor.execute(
        """insert into recovery (hub, event, site, lines, seqs, by, reason, at)
           select max(id), %s, %s, %s, %s, %s, %s, now() from hub""",
        (event, site, lines, seqs, by[:64], reason[:500]),
    )


def recovering(cursor: Any) -> bool:
    """Whether the newest hub epoch is still in recovery."""
    row = cursor.execute(
        """select h.recovering and not exists (
               select from recovery r where r.hub = h.id and r.event = 'ended') as yes
           from hub h order by h.id desc limit 1"""
    ).fetchone()
    return bool(row and row["yes"])


def awaited(cursor: Any) -> list[SiteSession]:
    """The rows of the sites that the newest epoch waits for."""
    rows = cursor.execute(
        """select s.state from recovery r join agent_session s on s.site = r.site
           where r.event = 'awaited' and r.hub = (select max(id) from hub) order by s.site"""
    ).fetchall()
    return [_SESSION.decode(row["state"]) for row in rows]


def progress(cursor: Any) -> Progress | None:
    """How the newest recovery stands; None when this hub was never restored."""
    hub = cursor.execute("select * from hub order by id desc limit 1").fetchone()
    if hub is None or not hub["recovering"]:
        return None
    notes = cursor.execute("select * from recovery where hub = %s order by id", (hub["id"],)).fetchall()
    begun = next((note for note in notes if note["event"] == "begun"), None)
    ended = next((note for note in notes if note["event"] == "ended"), None)
    lines: dict[str, int] = {}
    seen: list[tuple[int, int]] = []
    for note in notes:
        if note["event"] == "part":
            lines[note["site"]] = lines.get(note["site"], 0) + note["lines"]
            pairs = (each.split("-") for each in note["seqs"].split(","))
            seen += [(int(first), int(last)) for first, last in pairs]
    return Progress(
        hub=hub["epoch"].hex,
        since=hub["since"],
        began=hub["started"].isoformat(timespec="seconds"),
        by=begun["by"] if begun else "",
        reason=begun["reason"] if begun else "",
        recovering=ended is None,
        ended=ended["at"].isoformat(timespec="seconds") if ended else "",
        ended_by=ended["by"] if ended else "",
        ended_reason=ended["reason"] if ended else "",
        sites=tuple(SiteReturn(row.site, _state(row), lines.get(row.site, 0)) for row in awaited(cursor)),
        unseen=tuple(_gaps(hub["since"], seen)),
    )


def _state(row: SiteSession) -> str:
    if row.returned:
        return RETURNED
    return HANDING_BACK if row.speakers else SILENT


def _ranges(seqs: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found


def _gaps(since: int, seen: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    gaps, at = [], since
    for first, last in sorted(seen):
        if first > at + 1:
            gaps.append((at + 1, first - 1))
        at = max(at, last)
    return gaps


# -- another server ---------------------------------------------------------------------------


def from_another_server(cursor: Any) -> bool:
    """Whether transactions of this ledger have numbers that this server has not given yet.

    So it is after a dump was restored into a new cluster: the sequencer would then wait for ever, or
    take old entries for new ones.
    """
    row = cursor.execute(
        """select n.next < coalesce(s.horizon, 0) or exists (
               select from entry where xid >= n.next::text::xid8 and seq > coalesce(s.floor, 0)) as yes
           from (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next) n
           left join (select * from seal order by id desc limit 1) s on true"""
    ).fetchone()
    return bool(row["yes"])


def settle_here(cursor: Any) -> int:
    """Begin a new count of transactions in this ledger; returns the entry number from which it holds.

    Needs the owner's role, in a transaction; waits for whoever writes. The sequencer goes on from a new
    seal: of entries up to its `floor` it looks at none again, whatever transaction wrote them. Nothing
    that is hashed or signed changes.
    """
    cursor.execute("lock table entry in exclusive mode")
    row = cursor.execute(
        """select coalesce((select min(e.seq) - 1 from entry e
                            where not exists (select from leaf l where l.seq = e.seq)),
                           (select max(seq) from entry), 0) as floor"""
    ).fetchone()
    floor = int(row["floor"])
    cursor.execute(
        """update entry e set xid = case when exists (select from leaf l where l.seq = e.seq)
                                    then '1'::xid8 else pg_current_xact_id() end
           where e.seq > %s""",
        (floor,),
    )
    cursor.execute(
        """insert into seal (horizon, floor, last, size, root, frontier, at)
           select pg_current_xact_id()::text::bigint, %s, coalesce(s.last, 0), coalesce(s.size, 0),
                  coalesce(s.root, %s), coalesce(s.frontier, ''), now()
           from (select 1) one left join (select * from seal order by id desc limit 1) s on true""",
        (floor, Frontier().root()),
    )
    return floor
