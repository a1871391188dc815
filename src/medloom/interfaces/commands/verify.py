"""`medloom verify-proof`: check a downloaded receipt of a record, without the hub and without a network."""

from __future__ import annotations

import json
from pathlib import Path

import click

from medloom.interfaces.cli import FAILED
from medloom.wire.receipt import Check, ReceiptBroken, check_receipt, read_receipt

SAYS = {
    "leaf": "the operation's bytes and the hub's decision make this leaf",
    "path": "the leaf is in the log under the stated root",
    "signature": "the root is signed by the key in the file",
    "key": "that key is the one you named",
    "root": "that root is the one you named",
}
BYTES_MOST = 8_000_000


@click.command("verify-proof")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", default="", help="The hub's public key (hex), as you noted it earlier.")
@click.option("--root", default="", help="The log's root of that size (hex), as you noted it earlier.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as one JSON object.")
def verify_proof(file: Path, key: str, root: str, as_json: bool) -> None:
    """Check FILE, the proof of one record as the ledger's page gives it; exit code 1 if it does not hold.

    Everything is recomputed here. Name --key (it stands on the ledger's page: note it on another day,
    from another place): without it, only the file's agreement with itself is shown.
    """
    text = file.read_bytes()[: BYTES_MOST + 1]
    try:
        if len(text) > BYTES_MOST:
            raise ReceiptBroken(f"larger than {BYTES_MOST:,} bytes")
        receipt = read_receipt(text)
        checks = check_receipt(receipt, key=key.strip().lower(), root=root.strip().lower())
    except ReceiptBroken as error:
        refusal = click.ClickException(f"{file} is no proof of a record: {error}")
        refusal.exit_code = FAILED
        raise refusal from error
    fine = all(check.holds for check in checks)
    if as_json:
        told = [{"check": c.name, "holds": c.holds, "found": c.found} for c in checks]
        click.echo(json.dumps({"holds": fine, "record": receipt.seq, "checks": told}, ensure_ascii=False))
    else:
        click.echo(
            f"record {receipt.seq}: {receipt.verdict}, log of {receipt.head.size} at {receipt.head.at}"
        )
        _tell(checks)
        if not key:
            click.echo("No --key was named: whoever made the file may have made its key too.")
    if not fine:
        raise SystemExit(FAILED)


def _tell(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    for check in checks:
        mark = "[green]holds[/]" if check.holds else "[red]FAILS[/]"
        console.print(f"{mark}  {SAYS[check.name]}: {escape(check.found)}", soft_wrap=True)
