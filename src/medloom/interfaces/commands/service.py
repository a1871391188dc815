"""`medloom service`: the unit file with which systemd keeps Medloom running through reboots and kills."""

import os
import pwd
import sys

import click

from medloom.process.state import current

UNIT = """\
# systemd unit for Medloom. As root:
#   medloom service > /etc/systemd/system/medloom.service
#   systemctl enable --now medloom
[Unit]
Description=Medloom
After=network.target

[Service]
ExecStart={python} -P -m medloom up {arguments}
User={user}
{environment}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=90

[Install]
WantedBy=multi-user.target
"""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1)
def service(arguments: tuple[str, ...]) -> None:
    """Print a systemd unit that runs `medloom up ARGUMENTS` for this user and state folder."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("MEDLOOM_")}
    kept["MEDLOOM_STATE"] = str(current().path)
    secret = [name for name in kept if "URL" in name]  # passwords do not belong into a file all may read
    lines = [f'Environment="{name}={kept[name]}"' for name in sorted(kept) if name not in secret]
    if secret:
        lines.append(f"# set {', '.join(sorted(secret))} in a file only root reads, and name it here:")
        lines.append("# EnvironmentFile=/etc/medloom.env")
    unit = UNIT.format(
        python=sys.executable,
        arguments=" ".join(arguments),
        user=pwd.getpwuid(os.geteuid()).pw_name,
        environment="\n".join(lines),
    )
    click.echo(unit, nl=False)
