"""Signatures under a pack, as the checklist is told of them. Who checks them is not asked here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """`by` signed in a role, meaning something, on a day. `holds`: with their key, over these bytes."""

    by: str
    role: str
    meaning: str
    on: str
    holds: bool
