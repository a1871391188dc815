"""A large random genealogy laid into the tables past the door: many lots, two records for each third."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from django.db import connection

from medloom.trace.tests.oracle import Graph, Ints

DAY = dt.date(2026, 3, 1)
#: Lots that each lot is made of, lots a day, machines, and where internal numbers begin.
INPUTS, PER_DAY, ON = 5, 400, 40
BASE = 7_000_000
_HEAD = "num, object, site, key, version, changed, entry, placeholder, voided"
_RECORD = f"""
    insert into step_record ({_HEAD}, number, day, machine_id, output_lot_id, total, good)
    select %(base)s + {{at}} + n, gen_random_uuid(), 'A', 'BR{{turn}}-' || n, 1, '{{{{}}}}', %(base)s + n,
           false, false, 'BR{{turn}}-' || n, %(day)s::date + (n / %(per)s)::int,
           %(base)s + %(many)s + (n + {{turn}}) %% %(on)s, %(base)s + n, {{good}}, {{good}}
    from generate_series(0, %(many)s - 1, {{by}}) n;
    insert into trace_edge (parent, child, step, entry, units, site)
    select %(base)s + n, (%(base)s + {{at}} + n)::bigint << 24, %(base)s + {{at}} + n, n, {{good}}, 'A'
    from generate_series(0, %(many)s - 1, {{by}}) n;
"""  # noqa: S608 - names of this file alone
_FILL = f"""
    insert into lot ({_HEAD}, state, number)
    select n, gen_random_uuid(), 'A', 'B' || n, 1, '{{}}', n, false, false, 'pending', 'B' || n
    from generate_series(%(base)s, %(base)s + %(many)s - 1) n;
    insert into equipment ({_HEAD}, number, kind)
    select %(base)s + %(many)s + n, gen_random_uuid(), 'A', 'BM' || n, 1, '{{}}', 0, false, false, 'BM' || n,
           'machine'
    from generate_series(0, %(on)s - 1) n;
    {_RECORD.format(at=0, turn=0, good=50, by=1)}
    {_RECORD.format(at="2 * %(many)s", turn=1, good=30, by=3)}
    insert into step_parameter (parent_id, line, since, name, value, unit)
    select %(base)s + n, 1, 1, 'BSPEED', (n * 7919 %% %(many)s), '1' from generate_series(0, %(many)s - 1) n;
    insert into result ({_HEAD}, number, lot_id, characteristic, value, unit)
    select %(base)s + 4 * %(many)s + n, gen_random_uuid(), 'A', 'BQ' || n, 1, '{{}}', 0, false, false,
           'BQ' || n, %(base)s + n, 'BWIDTH', (n * 104729::bigint %% %(many)s), '1'
    from generate_series(0, %(many)s - 1) n"""  # noqa: S608 - names of this file alone


@dataclass(frozen=True)
class Large:
    """Lots are numbered from 0 here, from BASE in the tables. `second` are those with two records."""

    many: int
    parents: Ints
    children: Ints

    @property
    def lots(self) -> Ints:
        """Every lot."""
        return np.arange(self.many)

    @property
    def second(self) -> np.ndarray:
        """Which lots have a second record, by the next machine."""
        return self.lots % 3 == 0

    def graph(self, *, ahead: bool) -> Graph:
        """For the search in memory."""
        ends = (self.parents, self.children) if ahead else (self.children, self.parents)
        return Graph(nodes=self.many, sources=ends[0], targets=ends[1])


def lay(many: int) -> Large:
    """So many lots, each of up to five recent ones, with a rework loop here and there."""
    random = np.random.default_rng(11)
    children = np.repeat(np.arange(many), INPUTS)
    parents = children - random.integers(1, 300, size=len(children))
    loops = random.random(len(children)) < 0.002
    parents = np.where(loops, children + random.integers(1, 50, size=len(children)), parents)
    sound = (parents >= 0) & (parents < many) & (children % 97 != 0)
    parents, children = parents[sound], children[sound]
    with connection.cursor() as cursor:
        given = {"base": BASE, "many": many, "on": ON, "per": PER_DAY, "day": DAY}
        for statement in _FILL.split(";"):
            cursor.execute(statement, given)
        cursor.execute(
            """insert into trace_edge (parent, child, step, entry, units, site)
               select p, c, c, c, 0, 'A' from unnest(%s::bigint[], %s::bigint[]) e (p, c)""",
            [(parents + BASE).tolist(), (children + BASE).tolist()],
        )
    return Large(many, parents, children)
