"""People, their roles, and what proves who writes. Framework tables: no business fact, not in the ledger.

Names and contacts stand only here. Operations name people by opaque ids, so that erasing a person
means deleting one row of the vault while the ledger stays whole.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Users(BaseUserManager["User"]):
    """Makes users; there is no way to delete one."""

    def create_user(self, username: str, password: str, *, site: str, roles: tuple[str, ...] = ()) -> User:
        """A user of that site with these roles. Raises ValueError for an unknown role or an empty name."""
        unknown = set(roles) - set(Role.WORDS)
        if unknown or not username.strip():
            raise ValueError(f"unknown role {sorted(unknown)}" if unknown else "user name is empty")
        user = User(username=username.strip(), site=site)
        user.set_password(password)
        user.save(using=self._db)
        Role.objects.using(self._db).bulk_create(Role(user=user, role=role) for role in roles)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The user of that name, upper or lower case alike."""
        return self.get(username__iexact=username)


class User(AbstractBaseUser):
    """Someone who may log in. Never deleted, only deactivated; a user name is never used again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("User name"), max_length=64, unique=True)
    site = models.CharField(_("Site"), max_length=16)
    is_active = models.BooleanField(_("Active"), default=True)
    #: "" for a person who has not chosen one.
    language = models.CharField(_("Language"), max_length=16, default="", blank=True)
    made = models.DateTimeField(_("Made"), auto_now_add=True)

    USERNAME_FIELD = "username"
    objects = Users()

    class Meta:
        db_table = "login"
        verbose_name = _("User")
        constraints = [
            # "Anna" and "anna" on one audit trail could not be told apart (21 CFR 11.100(a)).
            models.UniqueConstraint(models.functions.Lower("username"), name="uniq_login_username"),
        ]

    @property
    def actor(self) -> str:
        """The opaque id that operations carry."""
        return self.id.hex

    def speak(self, language: str) -> None:
        """Keep the language in which the pages speak to them."""
        self.language = language
        self.save(update_fields=["language"])

    def renew_password(self, password: str) -> None:
        """Put a new password in force; the caller has checked it."""
        self.set_password(password)
        self.save(update_fields=["password"])

    def let_in(self, active: bool) -> None:
        """Whether they may log in from now on."""
        self.is_active = active
        self.save(update_fields=["is_active"])

    @property
    def is_staff(self) -> bool:
        """Nobody: the Django admin would write past the door."""
        return False

    def has_role(self, *roles: str) -> bool:
        """Whether the user has one of these roles; read once per object."""
        held = self.__dict__.get("_roles")
        if held is None:
            held = self.__dict__["_roles"] = frozenset(self.roles.values_list("role", flat=True))
        return not held.isdisjoint(roles)

    def has_perm(self, permission: str, thing: object | None = None) -> bool:
        """Whether a backend grants the permission; a deactivated user has none."""
        return self.is_active and any(
            backend.has_perm(self, permission, thing)
            for backend in get_backends()
            if hasattr(backend, "has_perm") and "ModelBackend" not in type(backend).__name__
        )

    def has_module_perms(self, label: str) -> bool:
        """Whether a backend grants anything in that application."""
        return self.is_active and self.has_perm(label)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: the ledger names this person for ever. Raises TypeError."""
        raise TypeError("a user is deactivated, never deleted")


class Role(models.Model):
    """One role of one user."""

    WORDS = ("viewer", "planner", "quality", "it", "auditor", "admin")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="roles")
    role = models.CharField(
        _("Role"),
        max_length=16,
        choices=[
            ("viewer", _("Viewer")),
            ("planner", _("Planner")),
            ("quality", _("Quality manager")),
            ("it", _("IT engineer")),
            ("auditor", _("Auditor")),
            ("admin", _("Administrator")),
        ],
    )

    class Meta:
        db_table = "login_role"
        verbose_name = _("Role")
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="uniq_login_role")]


SALT_BYTES = 32


def commit(*, opaque: str, name: str, contact: str, salt: bytes) -> bytes:
    """What the ledger holds instead of a name: SHA-256 over salt, id, name and contact."""
    told = json.dumps([opaque, name, contact], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(salt + told.encode()).digest()


class Person(models.Model):
    """The vault: who an opaque id is. The commitment is in the ledger; deleting the row erases the person."""

    opaque = models.CharField(max_length=64, primary_key=True)
    site = models.CharField(max_length=16)
    name = models.CharField(_("Name"), max_length=120)
    contact = models.CharField(_("Contact"), max_length=200, blank=True)
    salt = models.BinaryField(max_length=32)
    commitment = models.BinaryField(max_length=32)

    class Meta:
        db_table = "person"
        verbose_name = _("Person")
        indexes = [models.Index(fields=["site"], name="person_site")]

    @classmethod
    def keep(cls, *, opaque: str, site: str, name: str, contact: str, salt: bytes) -> Person:
        """Put a person into the vault. Raises ValueError for a wrong salt or an id that is taken."""
        if len(salt) != SALT_BYTES:
            raise ValueError(f"the salt has {len(salt)} bytes, {SALT_BYTES} are needed")
        digest = commit(opaque=opaque, name=name, contact=contact, salt=salt)
        person, made = cls.objects.get_or_create(
            opaque=opaque,
            defaults={"site": site, "name": name, "contact": contact, "salt": salt, "commitment": digest},
        )
        if not made and (person.name, person.contact, person.site) != (name, contact, site):
            raise ValueError(f"{opaque} is somebody else; an id is never used again")
        return person

    @classmethod
    def erase(cls, opaque: str) -> bool:
        """Take a person out of the vault for ever; the ledger keeps the id alone. False: was not there."""
        return cls.objects.filter(opaque=opaque).delete()[0] > 0


class Key(models.Model):
    """An Ed25519 public key of a site's agent. Two overlap at most 90 days; a revoked one dies at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.CharField(max_length=16)
    public = models.BinaryField(max_length=32)
    since = models.DateTimeField(_("Valid from"))
    until = models.DateTimeField(_("Valid until"), null=True, blank=True)
    revoked = models.DateTimeField(_("Revoked"), null=True, blank=True)

    class Meta:
        db_table = "site_key"
        verbose_name = _("Key")
        constraints = [
            models.UniqueConstraint(fields=["public"], name="uniq_site_key_public"),
            # A key that ends before it begins would never be valid and hide a slip of the hand.
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("since")),
                name="ck_site_key_span",
            ),
        ]


class Enrolment(models.Model):
    """A one-time code by which an agent brings its first key; only its hash is kept."""

    code = models.BinaryField(max_length=32, primary_key=True)
    site = models.CharField(max_length=16)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "enrolment"
        verbose_name = _("Enrolment")
