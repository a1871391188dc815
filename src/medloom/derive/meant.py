"""What a stable code means: the form in which every table of codes is written."""

from __future__ import annotations

from typing import NamedTuple


class Meant(NamedTuple):
    """One code in words."""

    means: str
    plant: str
    steward: str = "Nothing, unless it comes often: then help the plant with its mapping."
