"""What the pages count: every row of every feed has one verdict, its last one. Kept by the sequencer.

A row may have several entries: parked and then judged again; refused, and mended by its agent or a person;
dismissed, and taken back; in conflict, settled, and the settlement undone. The first of them is the row; each
later one moves it to another verdict and adds nothing. What a row counts as follows from the set of its
entries alone, so counting in steps, in whatever order they come, gives what one count of the log gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What a refused row counts as that a person found to be nothing, or that reads again as recorded before.
CLOSED = "closed"
#: Codes of entries that are a word about another entry.
_CLOSES, _TAKEN_BACK = ("dismissed", "row_as_recorded"), "taken_back"
TALLY = """
    insert into feed_tally as t (site, source, verdict, entries, findings, newest)
    values (%s, %s, %s, %s, %s, %s) on conflict (site, source, verdict)
    do update set entries = t.entries + excluded.entries, findings = t.findings + excluded.findings,
                  newest = greatest(t.newest, excluded.newest)"""
#: Received entries are counted by steps of two minutes.
ARRIVED_S = 120
ARRIVED = """
    insert into arrival as a (site, at, entries) values (%s, to_timestamp(%s), %s)
    on conflict (site, at) do update set entries = a.entries + excluded.entries"""
#: `repairs`: names the refused entry that it mends. `settles`: it mends a conflict. `since`: 0 in the log
#: before this round, 1 of this round, 2 still to come. One index look-up per entry asked for, whatever the
#: planner believes of the table: `offset 0` keeps it from reading all of it.
MEMBERS = """
    select e.seq, e.site, coalesce(e.source, '') as source, e.verdict, e.cause, e.received,
           e.epoch, e.chain, e.number,
           e.verdict = 'accepted' and coalesce(e.decision like '%%"findings"%%', false) as findings,
           case when e.verdict <> 'accepted' then e.decision::json #>> '{{refusal,code}}' end as code,
           e.cause is not null and e.body like '%%"repairs":"%%' as repairs,
           e.cause is not null and e.verdict = 'accepted' and e.body like '%%"compensates":"%%' as undoes,
           e.cause is not null and exists
             (select from entry c where c.seq = e.cause and c.verdict = 'conflict') as settles,
           case when e.seq <= %(floor)s or e.xid < %(horizon)s::xid8 then 0
                when e.xid < %(xmin)s::xid8 then 1 else 2 end as since
    from unnest(%(asked)s::bigint[]) w(seq)
    cross join lateral (select * from entry x where x.{column} = w.seq offset 0) e"""


@dataclass(frozen=True)
class Member:
    """One entry of a row, as far as the row's verdict depends on it."""

    seq: int
    site: str
    source: str
    verdict: str
    cause: int | None
    received: Any
    epoch: Any
    chain: str
    number: int
    findings: bool
    code: str | None
    repairs: bool
    undoes: bool
    settles: bool
    since: int

    def told_of(self, earlier: Member) -> bool:
        """Whether this entry, which names `earlier` as its cause, is about the same row.

        Else it only follows from it, as a hold does.
        """
        again = (self.epoch, self.chain, self.number) == (earlier.epoch, earlier.chain, earlier.number)
        undone = self.undoes and earlier.settles and earlier.repairs
        return again or self.repairs or undone or self.code == _TAKEN_BACK


@dataclass(frozen=True)
class Standing:
    """What a row counts as."""

    verdict: str
    findings: bool


def standing(members: Iterable[Member]) -> Standing:
    """The last word on a row: of its newest entry, but for a dismissal that was taken back."""
    known = {each.seq: each for each in members}
    void = set()
    for each in known.values():
        if each.code == _TAKEN_BACK:
            void |= {each.seq, each.cause}
    last = known[max(known.keys() - void)]
    if last.code in _CLOSES:
        return Standing(CLOSED, findings=False)
    before = known.get(last.cause or 0)
    if last.undoes and before is not None and before.settles:
        return Standing("conflict", findings=False)
    return Standing(last.verdict, last.findings)


@dataclass
class Counts:
    """What one round adds to the figures of the pages."""

    feeds: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    arrived: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: Entries that name another one: whether they are of the same row is looked up at the end.
    naming: list[int] = field(default_factory=list)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Count one entry as a row of its own."""
        received = entry["received"]
        findings = entry["verdict"] == "accepted" and '"findings"' in (entry["decision"] or "")
        self._count(entry["site"], entry["source"] or "", Standing(entry["verdict"], findings), 1, received)
        self.arrived[entry["site"], int(received.timestamp()) // ARRIVED_S * ARRIVED_S] += 1
        if entry["cause"] is not None:
            self.naming.append(entry["seq"])

    def _count(self, site: str, source: str, stands: Standing, many: int, received: Any) -> None:
        told = self.feeds.setdefault((site, source, stands.verdict), [0, 0, received])
        told[0] += many
        told[1] += many * stands.findings
        told[2] = max(told[2], received)

    def keep(self, cursor: Any, *, horizon: int, xmin: int, floor: int) -> None:
        """Add them to what stands. `horizon`, `xmin`, `floor`: what this round read, as in `VISIBLE`."""
        if self.naming:
            given = {"horizon": str(horizon), "xmin": str(xmin), "floor": floor}
            self._move(rows_of(Reader(cursor, given), self.naming))
        cursor.executemany(TALLY, [(*name, *told) for name, told in sorted(self.feeds.items())])
        cursor.executemany(ARRIVED, [(*name, count) for name, count in sorted(self.arrived.items())])

    def _move(self, rows: Iterable[list[Member]]) -> None:
        """Count the rows that this round tells more of once, by their last verdict."""
        for row in rows:
            first = row[0]
            for each in row:
                if each.since == 1:
                    self._count(each.site, each.source, _alone(each), -1, each.received)
            before = [each for each in row if each.since == 0]
            if before:
                self._count(first.site, first.source, standing(before), -1, first.received)
            known = [each for each in row if each.since < 2]
            self._count(first.site, first.source, standing(known), 1, first.received)


def _alone(member: Member) -> Standing:
    """What `add` counted the entry as."""
    return Standing(member.verdict, member.findings)


@dataclass
class Reader:
    """Reads entries by number, or those that name them; each once."""

    cursor: Any
    given: Mapping[str, Any]
    known: dict[int, Member] = field(default_factory=dict)

    def read(self, seqs: Iterable[int]) -> None:
        """The entries with these numbers."""
        self._ask("seq", [seq for seq in seqs if seq not in self.known])

    def naming(self, seqs: Sequence[int]) -> list[Member]:
        """The entries that name these as their cause."""
        return self._ask("cause", seqs)

    def _ask(self, column: str, asked: Sequence[int]) -> list[Member]:
        if not asked:
            return []
        found = self.cursor.execute(
            MEMBERS.format(column=column), {**self.given, "asked": sorted(set(asked))}
        ).fetchall()
        made = [Member(**row) for row in found]
        self.known.update((each.seq, each) for each in made)
        return made


def rows_of(reader: Reader, seqs: Iterable[int]) -> list[list[Member]]:
    """The rows that these entries tell more of, each with all its entries, the first one first.

    A few statements, as many as the longest row has entries behind one another; not one per entry.
    """
    first = {}
    level = {seq: seq for seq in seqs}
    reader.read(level)
    while level:
        reader.read(cause for seq in set(level.values()) if (cause := reader.known[seq].cause) is not None)
        above = {}
        for seq, at in level.items():
            one = reader.known[at]
            earlier = reader.known.get(one.cause or 0)
            if earlier is not None and one.told_of(earlier):
                above[seq] = earlier.seq
            elif at != seq:
                first[seq] = at
        level = above
    rows = {root: [reader.known[root]] for root in sorted(set(first.values()))}
    root_of = {root: root for root in rows}
    below = list(rows)
    while below:
        found = [each for each in reader.naming(below) if each.told_of(reader.known[each.cause or 0])]
        for each in found:
            root_of[each.seq] = root_of[each.cause or 0]
            rows[root_of[each.seq]].append(each)
        below = [each.seq for each in found]
    return list(rows.values())
