"""The `medloom` command. Each subcommand is a click command elsewhere; this is the table of them.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not running, 4 running already.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from medloom import __version__
from medloom.process.lock import AlreadyRunning
from medloom.process.state import StateError

FAILED, NOT_RUNNING, RUNNING_ALREADY = 1, 3, 4

# name -> module and attribute; a module is imported when its command is asked for.
COMMANDS = {
    "up": "medloom.interfaces.commands.running:up",
    "stop": "medloom.interfaces.commands.running:stop",
    "status": "medloom.interfaces.commands.running:status",
    "doctor": "medloom.interfaces.commands.upkeep:doctor",
    "migrate": "medloom.interfaces.commands.upkeep:migrate",
    "recover": "medloom.interfaces.commands.recover:recover",
    "psql": "medloom.interfaces.commands.upkeep:psql",
    "faults": "medloom.interfaces.commands.faults:faults",
    "verify-proof": "medloom.interfaces.commands.verify:verify_proof",
    "version": "medloom.interfaces.commands.upkeep:version",
    "service": "medloom.interfaces.commands.service:service",
    "user": "medloom.interfaces.commands.people:user",
    "enrol": "medloom.interfaces.commands.people:enrol",
    "agent": "medloom.interfaces.commands.agent:agent",
    "device": "medloom.interfaces.commands.device:device",
    "plan": "medloom.interfaces.commands.plan:plan",
    "demo": "medloom.interfaces.commands.demo:demo",
}


class House(click.Group):
    """Finds a command in the table, and says in one line why the installation cannot do it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        return getattr(import_module(module), attribute)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AlreadyRunning as error:
            raise _refusal(error, RUNNING_ALREADY) from error
        except StateError as error:
            raise _refusal(error, FAILED) from error


def log_to_stderr() -> None:
    """Send log lines where they do not stand between a program and the JSON that it reads."""
    import structlog

    from medloom.process.lines import encode_values

    *usual, last = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*usual, encode_values, last],  # the last one writes the line
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _refusal(error: StateError, exit_code: int) -> click.ClickException:
    refusal = click.ClickException(str(error))
    refusal.exit_code = exit_code
    return refusal


@click.group(cls=House, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="medloom %(version)s")
def main() -> None:
    """Medloom: the data network for medical-device makers who outsource production.

    \b
    Exit codes: 0 done, 1 failed, 2 wrong use, 3 not running, 4 running already.
    State is kept in the folder MEDLOOM_STATE (root: /var/lib/medloom, else ~/.local/state/medloom);
    MEDLOOM_DATABASE_URL names a PostgreSQL server to be used instead of the built-in one.
    """
