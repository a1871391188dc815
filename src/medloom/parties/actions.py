"""What may be done with people: a commitment goes into the ledger, the name into the vault."""

from __future__ import annotations

from medloom.kernel.act import Act
from medloom.parties.people import Person, commit
from medloom.wire.operation import Operation


def introduce(*, act: Act, site: str, opaque: str, name: str, contact: str, salt: bytes) -> Operation:
    """Put a person into the vault and return the operation that commits the site to who it is.

    `salt` is 32 random bytes; without it the commitment could be guessed from a list of names.
    Raises ValueError for another length of salt, or when the id is somebody else already.
    """
    person = Person.keep(opaque=opaque, site=site, name=name, contact=contact, salt=salt)
    digest = bytes(person.commitment).hex()
    return act.create("actor", site=site, fields={"opaque": opaque, "commitment": digest})


def proves(*, opaque: str, commitment: str) -> bool:
    """Whether the vault still holds the person to whom the ledger is committed."""
    person = Person.objects.filter(opaque=opaque).first()
    if person is None:
        return False
    found = commit(opaque=opaque, name=person.name, contact=person.contact, salt=bytes(person.salt))
    return found.hex() == commitment
