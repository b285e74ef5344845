"""Who may do what in a CFA: questions that views and templates ask instead of comparing roles. No SQL."""

from __future__ import annotations

from rdv.models import Membership


def can_manage_team(membership: Membership) -> bool:
    """Invite, change a role, withdraw access."""
    return membership.role == "manager"


def can_change_settings(membership: Membership) -> bool:
    """Modes of contact, response time, opening hours, names shown."""
    return membership.role == "manager"


def can_compare_advisers(membership: Membership) -> bool:
    """Read the figures of each adviser, and export requests with the contacts of their people."""
    return membership.role == "manager"
