"""`python -m bench [--only NAME ...] [--quick]`: measure, write bench/latest.json and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

from bench import context, machine, report

#: Module -> the figures it gives, in the order they are measured and printed.
ITEMS = {
    "trace_growth": ("trace_growth",),
    "trace_vs_numpy": ("trace_vs_numpy", "trace_us_per_lot"),
    "scopes": ("scope_ms", "scope_page_ms", "scope_growth"),
    "ingest": (
        "ingest_vs_floor",
        "ingest_vs_copy_1",
        "ingest_vs_copy_2",
        "resend_ratio",
        "batch200_ratio",
        "sequencer_vs_ingest",
        "single_ms_p50",
        "single_vs_commit",
        "single_ms_p99",
        "hub_worker_memory_mb",
    ),
    "command": ("command_ms_p50", "command_ms_p99"),
    "epcis": ("epcis_capture_per_s", "epcis_query_ms"),
    "network": (
        "demo_start_s",
        "hub_memory_mb",
        "agent_memory_mb",
        "sync_ms_p50",
        "sync_ms_p99",
        "sync_plant_ms_p50",
        "sync_plant_ms_p99",
    ),
    "pages": ("list_page_ms", "page_bytes", "rest_list_ms", "graphql_ms"),
    "orders": ("orders_per_s_single", "orders_per_s_batched", "trace_10k_lots_s", "inspections_per_s"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks. Returns 1 when one of them could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="a benchmark or a figure; may be repeated"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: to try the programs, not for figures"
    )
    given = parser.parse_args(arguments)
    wanted = set(given.only or [*ITEMS])
    modules = [m for m, figures in ITEMS.items() if wanted & {m, *figures}]
    if not modules:
        parser.error(f"no such benchmark; there are: {', '.join(ITEMS)}")
    facts = machine.facts()
    failed: list[str] = []
    with context.running(quick=given.quick) as bench:
        facts["postgresql"] = bench.server_version()
        for name in modules:
            print(name, flush=True)
            began = time.monotonic()
            try:
                found = importlib.import_module(f"bench.{name}").measure(bench)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                continue
            for figure in found:
                state = {None: "", True: "met", False: "missed"}[figure.met]
                print(f"  {figure.name}: {figure.value:.4g} {figure.unit} {state}", flush=True)
            print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
            if not given.quick:  # at once: a later benchmark that fails takes nothing away
                report.keep(found, machine=facts, names=[n for names in ITEMS.values() for n in names])
    if failed:
        print(f"could not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
