"""A small machine for tests: its mapping, and the lines of its pieces."""

from __future__ import annotations

from medloom.agent.declaration import Mapping, parse_mapping

MAPPING = """
feed: cnc
match: {stream: true}
stream:
  machine: M1
  items:
    exec: {as: state, words: {ACTIVE: active, FEED_HOLD: interrupted, STOPPED: stopped, READY: ready}}
    avail: {as: availability, words: {AVAILABLE: available, UNAVAILABLE: unavailable}}
    cool: {as: alarm}
    prog: {as: program}
    part: {as: part}
    tool: {as: tool}
    speed: {as: measured, what: speed}
  ignored: {block: line of the program}
records:
  - type: equipment_status
    kind: observe
    when: [status]
    at: since
    key: [number]
    fields:
      number: {column: number, required: true}
      machine: {column: machine, as: code}
      since: {column: since, as: datetime}
      status: {column: status}
      program: {column: program}
      alarm: {column: alarm}
      cause: {column: cause}
  - type: step_record
    kind: observe
    when: [run]
    key: [run]
    fields:
      number: {column: run}
      day: {column: day, as: date}
      program: {column: program}
      started: {column: started, as: datetime}
      ended: {column: ended, as: datetime}
      note: {column: note}
      parameters:
        as: list
        members:
          - each: speed
            keep_if: [value]
            fields:
              name: {as: join, columns: [part, setup, tool, =SPEED], by: "-"}
              value: {column: value, as: number}
              unit: {as: constant, value: rpm}
"""


def mapping(**changes: str) -> Mapping:
    """The mapping, with texts replaced."""
    text = MAPPING
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_mapping(text)


def piece(nth: int, *, samples: int = 20) -> list[bytes]:
    """The lines of one piece: two statuses, `samples` speeds, the highest 1000 x its number."""

    def line(second: int, *fields: object) -> bytes:
        at = f"2026-01-01T{nth:02}:{second // 60:02}:{second % 60:02}.5Z"
        return "|".join((at, *map(str, fields))).encode()

    return [
        line(0, "part", f"P-{nth:02}", "prog", f"P-{nth}.NC"),
        line(1, "exec", "ACTIVE"),
        line(2, "tool", "7.000000"),
        *(line(3 + n, "speed", 1_000 * nth - n, "block", n) for n in range(samples)),
        line(samples + 10, "exec", "STOPPED"),
        line(samples + 11, "exec", "STOPPED"),
        line(samples + 12, "part", "UNAVAILABLE"),
    ]


def pieces(count: int, *, samples: int = 20) -> list[bytes]:
    """The lines of the first pieces."""
    return [line for nth in range(1, count + 1) for line in piece(nth, samples=samples)]
