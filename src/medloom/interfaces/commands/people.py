"""`medloom user` and `medloom enrol`: who may log in, and which agents may bring a key."""

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from medloom.interfaces.commands.upkeep import set_up_django
from medloom.parties.roles import ROLES
from medloom.process.state import StateError

CODE_HOURS = 24
SITE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}")


def _site(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    if not SITE.fullmatch(value):
        raise click.BadParameter("a site code is 1 to 16 of A-Z, 0-9, _ and -; the registrant's own is HQ")
    return value


@contextmanager
def _database() -> Iterator[None]:
    """Django, and one line instead of a traceback when the database does not answer."""
    set_up_django()
    from django.db import OperationalError, ProgrammingError

    try:
        yield
    except OperationalError as error:
        raise StateError("the database does not answer: is `medloom up` running?") from error
    except ProgrammingError as error:
        raise StateError("the tables are not there yet: run `medloom migrate`") from error


def _found(name: str) -> Any:
    from medloom.parties.people import User

    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        raise StateError(f"there is no user {name!r}: `medloom user list` names them") from None


def _known(site: str) -> None:
    from medloom.kernel.access import ALL, seeing
    from medloom.parties.models import Site

    with seeing(ALL):
        codes = sorted(Site.objects.filter(voided=False, placeholder=False).values_list("code", flat=True))
    if site not in codes:
        told = ", ".join(codes) or "none yet"
        raise StateError(
            f"the hub knows no site {site!r} (known: {told}): add it on the page Plants, then enrol its agent"
        )


def _checked(password: str, user: Any) -> str:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    try:
        validate_password(password, user)
    except ValidationError as error:
        raise StateError(f"the password was refused: {' '.join(error.messages)}") from error
    return password


_PASSWORD = click.password_option(
    help="Asked for when it is not given; better not given, since other users see a command's arguments."
)


@click.group()
def user() -> None:
    """Add, list and deactivate the people who may log in. Nobody is ever deleted."""


@user.command()
@click.argument("name")
@click.option("--site", required=True, callback=_site, help="Site they write as; HQ is the registrant.")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May be repeated."
)
@_PASSWORD
def add(name: str, site: str, roles: tuple[str, ...], password: str) -> None:
    """Add a person NAME."""
    with _database():
        from django.db import IntegrityError

        from medloom.parties.people import User

        _checked(password, User(username=name))
        try:
            User.objects.create_user(name, password, site=site, roles=tuple(dict.fromkeys(roles)))
        except IntegrityError:
            raise StateError(f"the user name {name!r} is or was in use; names are never used again") from None
        except ValueError as error:
            raise StateError(str(error)) from error
    click.echo(f"{name} may log in as {', '.join(roles)} of {site}")


@user.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def list_(as_json: bool) -> None:
    """List everybody who may or might log in."""
    with _database():
        from medloom.parties.people import User

        found = [
            {
                "name": one.username,
                "site": one.site,
                "roles": sorted(role.role for role in one.roles.all()),
                "active": one.is_active,
            }
            for one in User.objects.prefetch_related("roles").order_by("site", "username")
        ]
    if as_json:
        click.echo(json.dumps({"users": found}, ensure_ascii=False))
        return
    for one in found:
        state = "" if one["active"] else "  deactivated"
        click.echo(f"{one['name']:<24}{one['site']:<18}{', '.join(one['roles'])}{state}")


@user.command()
@click.argument("name")
@_PASSWORD
def password(name: str, password: str) -> None:
    """Give NAME a new password; their open sessions end."""
    with _database():
        found = _found(name)
        found.renew_password(_checked(password, found))
    click.echo(f"{name} has a new password")


@user.command()
@click.argument("name")
def deactivate(name: str) -> None:
    """Let NAME log in no more. The record goes on naming them."""
    with _database():
        _found(name).let_in(False)
    click.echo(f"{name} may not log in any more")


@user.command()
@click.argument("name")
def activate(name: str) -> None:
    """Let NAME log in again."""
    with _database():
        _found(name).let_in(True)
    click.echo(f"{name} may log in again")


@click.command()
@click.argument("site", callback=_site)
@click.option("--ahead", is_flag=True, help="Also for a site that the hub does not know yet.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def enrol(site: str, ahead: bool, as_json: bool) -> None:
    """Print a one-time code with which the agent of SITE brings its first key. Only its hash is kept.

    A site that the hub does not know is refused: a slip of the pen would let in an agent of no plant.
    """
    code = secrets.token_urlsafe(24)
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=CODE_HOURS)
    with _database():
        from medloom.parties import keys

        if not ahead:
            _known(site)
        keys.open_enrolment(site, hashlib.sha256(code.encode()).digest(), expires=expires)
    if as_json:
        click.echo(json.dumps({"site": site, "code": code, "expires": expires.isoformat()}))
    else:
        click.echo(code)
        click.echo(f"for the agent of {site}, once, until {expires:%Y-%m-%d %H:%M} UTC", err=True)
