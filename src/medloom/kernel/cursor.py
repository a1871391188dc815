"""A cursor that waits only when somebody looks: statements gather and go to PostgreSQL together.

`execute` queues; asking for rows, or leaving the block, sends everything queued in one write and reads
all answers in one go (libpq's pipeline). PostgreSQL runs them one after another, each with a snapshot of
its own, exactly as if they had come one by one; when one fails, those behind it are not run and the error
is raised where the answers are read. Every statement is prepared once for each connection.

Measured (docs/decisions/0011): ten small statements cost 0.5 ms through psycopg's cursors, whether in its
own pipeline or not, and 0.07 ms here. Values go and come through psycopg's adapters as ever.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import select
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import TracebackType
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection, transaction
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.rows import dict_row

#: Statements prepared on one connection before all are forgotten; each holds some 20 kB in the server.
PREPARED_MOST = 500
_PLACE = re.compile(r"%(?:\((\w+)\))?s|%%")
#: The door sees every site's rows; the caller's own view is narrower and is set by access.py. It never
#: reads a whole table either: a new hub's tables have no statistics yet, and the planner takes them for tiny.
#: Every statement of it looks rows up by index, one after another, so one plan is right for any values.
SEE_ALL = """select set_config('medloom.site', '*', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true)"""
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED)
#: What can be prepared; anything else (DDL, savepoints) is sent as it is.
_PREPARABLE = ("select", "insert", "update", "delete", "with")
Rows = list[dict[str, Any]]
#: What `str` writes as PostgreSQL reads it.
_SIMPLE = (str, int, Decimal, UUID, type(None))


#: A statement and the types of its parameters.
Key = tuple[bytes, tuple[int, ...]]

#: Names of the statements that each connection has prepared.
_PREPARED: WeakKeyDictionary[psycopg.Connection[Any], dict[Key, bytes]] = WeakKeyDictionary()
_NUMBERS = itertools.count()


class Answer:
    """The answer of one statement; asking for it sends what is queued."""

    __slots__ = ("_flush", "_left", "count", "request", "rows")

    def __init__(self, request: tuple[Key, bool, Any, Any], flush: Callable[[], None]) -> None:
        self.request, self._flush = request, flush
        self.rows: Rows | None = None
        self.count = -1
        self._left = 0

    def _read(self) -> Rows:
        if self.rows is None:
            self._flush()
            if self.rows is None:
                raise psycopg.ProgrammingError("the statement was not run: one before it failed")
        return self.rows

    def fetchall(self) -> Rows:
        """Every row that was not fetched yet."""
        rows, start = self._read(), self._left
        self._left = len(rows)
        return rows[start:]

    def fetchone(self) -> dict[str, Any] | None:
        """The next row, or None."""
        rows = self._read()
        self._left += 1
        return rows[self._left - 1] if self._left <= len(rows) else None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.fetchall())

    @property
    def rowcount(self) -> int:
        """How many rows it gave or changed."""
        self._read()
        return self.count


class Cursor:
    """Runs statements on a psycopg connection; see above. Rows are dicts. Used by one thread."""

    def __init__(self, link: psycopg.Connection[Any], before: Callable[[], None] | None = None) -> None:
        self._link = link
        self._before = before
        self._queue: list[Answer] = []
        self._sent: list[list[tuple[Answer, Key | None]]] = []
        self._last: Answer | None = None
        self._values = Transformer(link)
        self._names = _PREPARED.setdefault(link, {})
        #: What the transaction must look at again before it ends (kernel/beside.py).
        self.looks: Any = None

    def __enter__(self) -> Cursor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        self._queue = []
        with contextlib.suppress(psycopg.Error):
            self.flush()  # what was sent ahead is still answered

    def execute(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Queue one statement. Errors of PostgreSQL are raised when answers are read, or at the end."""
        text, names, preparable = _converted(sql)
        named: Sequence[Any] = [params[name] for name in names] if names else params  # type: ignore
        given = [array_text(value) if type(value) is list else value for value in named]
        values = self._values
        cells = values.dump_sequence(given, [PyFormat.AUTO] * len(given)) if given else ()
        key = (text, tuple(values.types or ()) if given else ())
        self._last = Answer((key, preparable, cells, values.formats if given else None), self.flush)
        self._queue.append(self._last)
        return self._last

    def fetchall(self) -> Rows:
        """Every row of the statement executed last."""
        return self._last.fetchall() if self._last else []

    def fetchone(self) -> dict[str, Any] | None:
        """The next row of the statement executed last."""
        return self._last.fetchone() if self._last else None

    @property
    def rowcount(self) -> int:
        """How many rows the statement executed last gave or changed."""
        return self._last.rowcount if self._last else -1

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection, with nothing queued: whoever uses it directly comes after what was executed."""
        self.flush()
        return self._link

    def copy(self, sql: str) -> Any:
        """psycopg's COPY, after everything queued."""
        return psycopg.Cursor(self.connection, row_factory=dict_row).copy(sql)

    def commit(self) -> None:
        """Send what is queued and the commit in one go; returns when it is durable."""
        self.execute("commit")
        self.flush()

    def flush(self) -> None:
        """Send what is queued and wait for all answers. Raises psycopg's error of the first that failed."""
        self.send()
        sent, self._sent = self._sent, []
        if not sent:
            return
        try:
            failures = [self._receive(steps) for steps in sent]
            self._link.pgconn.exit_pipeline_mode()
        except BaseException:
            self._link.close()  # in the middle of a pipeline nobody else can use it
            raise
        failed = next((each for each in failures if each is not None), None)
        if failed is not None:
            raise errors.error_from_result(failed, encoding=self._link.info.encoding)

    def send(self) -> None:
        """Send what is queued and go on: PostgreSQL works at it while Python makes what comes next."""
        queue, self._queue = self._queue, []
        if not queue:
            return
        if self._before is not None:
            self._before()
        link, wire = self._link, self._link.pgconn
        if not link.autocommit and wire.transaction_status == pq.TransactionStatus.IDLE:
            queue.insert(0, self._bare(b"begin"))
        if len(self._names) > PREPARED_MOST:
            self._names.clear()
            queue.insert(0, self._bare(b"deallocate all"))
        try:
            wire.enter_pipeline_mode()
            self._sent.append([(answer, self._send(answer)) for answer in queue])
            wire.pipeline_sync()
            while wire.flush():  # not everything could be sent at once: PostgreSQL wants its answers read
                _wait(wire, select.POLLIN | select.POLLOUT)
                wire.consume_input()
        except BaseException:
            link.close()
            raise

    def _bare(self, sql: bytes) -> Answer:
        return Answer(((sql, ()), False, (), None), self.flush)

    def _send(self, answer: Answer) -> Key | None:
        """Hand one statement to libpq; its key when it is prepared just before, which has its own answer."""
        wire = self._link.pgconn
        key, preparable, cells, formats = answer.request
        if not preparable:
            wire.send_query_params(key[0], cells, key[1], formats)
            return None
        name = self._names.get(key)
        fresh = name is None
        if name is None:
            name = self._names[key] = f"door_{next(_NUMBERS)}".encode()
            wire.send_prepare(name, *key)
        wire.send_query_prepared(name, cells, formats)
        return key if fresh else None

    def _receive(self, steps: Sequence[tuple[Answer, Key | None]]) -> Any:
        """Read every answer; the result of the first statement that failed, or None."""
        failed, wire = None, self._link.pgconn
        for answer, prepared in steps:
            for key in (prepared, None) if prepared is not None else (None,):
                result = self._next()
                if result.status in _FAILED:
                    failed = failed or result
                    if key is not None or result is failed:  # never prepared, or its plan may be out of date
                        self._names.pop(answer.request[0], None)
                elif key is None:
                    self._keep(answer, result)
                wire.get_result()  # None: the end of this answer
        self._next()  # the end of the pipeline
        return failed

    def _keep(self, answer: Answer, result: Any) -> None:
        answer.rows, answer.count = [], result.command_tuples or 0
        if result.status == pq.ExecStatus.TUPLES_OK and result.ntuples:
            encoding = self._link.info.encoding
            names = [result.fname(i).decode(encoding) for i in range(result.nfields)]
            self._values.set_pgresult(result)
            answer.rows = self._values.load_rows(0, result.ntuples, lambda row: dict(zip(names, row)))  # noqa: B905

    def _next(self) -> Any:
        """The next result, waiting without holding Python's lock."""
        wire = self._link.pgconn
        while wire.is_busy():
            _wait(wire, select.POLLIN)
            wire.consume_input()
        return wire.get_result()


def together(parts: Iterable[Any]) -> list[Any]:
    """The results of generators that yield between asking and reading, so that all ask before any reads.

    A part that is no generator has read already; it is its own result.
    """
    parts = list(parts)
    going = {place: part for place, part in enumerate(parts) if isinstance(part, Generator)}
    while going:
        for place, part in list(going.items()):
            try:
                next(part)
            except StopIteration as end:
                parts[place] = end.value
                del going[place]
    return parts


def array_text(values: list[Any]) -> Any:
    """A list as PostgreSQL reads an array: psycopg asks for each value how to write it, 2,000 times a batch.

    Lists of anything but texts, numbers and UUIDs are left to it. No text holds NUL: it stands for NULL.
    """
    try:
        inside = "".join(values)
    except TypeError:
        if not all(isinstance(value, _SIMPLE) for value in values):
            return values
        values = ["\0" if value is None else str(value) for value in values]
        inside = "".join(values)
    if '"' in inside or "\\" in inside:
        values = [_quoted(text) for text in values]
    text = '{"' + '","'.join(values) + '"}' if values else "{}"
    return text.replace('"\0"', "NULL") if "\0" in inside else text


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _wait(wire: Any, events: int) -> None:
    poll = select.poll()
    poll.register(wire.socket, events)
    poll.poll()


@lru_cache(maxsize=2_000)
def _converted(sql: str) -> tuple[bytes, tuple[str, ...], bool]:
    """The statement with $1, $2 ... for its places; the names of its parameters; whether it is prepared."""
    names: list[str] = []
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            count += 1
            return f"${count}"
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    bare = _PLACE.sub(place, sql)
    return bare.encode(), tuple(names), bare.lstrip()[:6].lower().startswith(_PREPARABLE)


@contextlib.contextmanager
def one_transaction(before: Callable[[], None] | None = None) -> Iterator[Cursor]:
    """A durable transaction with the door's settings; its last statements and the commit travel together.

    `before` is called ahead of every trip to the database: a large batch may wait there for others.
    """
    _revive()
    with transaction.atomic(durable=True), Cursor(connection.connection, before) as cursor:
        cursor.execute(SEE_ALL)
        yield cursor
        if len(connection.atomic_blocks) == 1:
            cursor.commit()  # Django then finds nothing left to commit; a test's own transaction stays open


def open_cursor() -> Cursor:
    """A cursor on Django's own connection."""
    _revive()
    return Cursor(connection.connection)


def _revive() -> None:
    """Connect, and connect again when the server has gone away since the last request.

    Stands in for Django's own check, which asks the server: a server that ended has closed its socket.
    """
    django: Any = connection
    link = django.connection
    if link is not None and django.health_check_enabled and not django.health_check_done:
        django.health_check_done = True
        poll = select.poll()
        poll.register(link.fileno(), select.POLLIN | select.POLLHUP)
        if poll.poll(0):
            with contextlib.suppress(psycopg.Error):
                link.pgconn.consume_input()
        if link.closed:
            django.close()
    django.ensure_connection()
