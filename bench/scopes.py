"""scope_ms, scope_page_ms, scope_growth: see bench/scope_sides.py, which needs Django set up."""

from __future__ import annotations

from bench.context import Context
from bench.figure import Figure


def measure(context: Context) -> list[Figure]:
    """Django first: what is measured imports the rooms' models."""
    context.django()
    from bench.scope_sides import measure as sides

    return sides(context)
