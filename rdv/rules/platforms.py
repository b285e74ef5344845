"""Which platforms a CFA takes bookings from: by the `origine` of the page, `cfa` for the CFA's own."""

from __future__ import annotations

import sqlalchemy as sa

from rdv.models import BookingRule, Slot
from rdv.rules.rulebook import effective, rulebook

OWN_PAGE = "cfa"


def shown_on(cfa_id: int, platform: str) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on slots that a page of this platform shows; none when no rule shuts it out.

    The ids are computed from the CFA's few rules, so that lists keep reading their indexes.
    """
    book = rulebook(cfa_id)
    of_type = {key: platform in row.platforms for key, row in book.of_meeting_type.items() if row.platforms is not None}
    of_site = {key: platform in row.platforms for key, row in book.of_site.items() if row.platforms is not None}
    default = book.of_cfa is None or book.of_cfa.platforms is None or platform in book.of_cfa.platforms
    if default and all(of_type.values()) and all(of_site.values()):
        return []
    kind, site = Slot.meeting_type_id, Slot.site_id
    by_site = site.in_([key for key, shown in of_site.items() if shown])
    if default:
        by_site = site.not_in([key for key, shown in of_site.items() if not shown])
    by_type = kind.in_([key for key, shown in of_type.items() if shown])
    return [sa.or_(by_type, sa.and_(kind.not_in(list(of_type)), by_site))]


def open_to(slot: Slot, platform: str) -> bool:
    """Say whether a page of this platform may book a slot; one that is booked by its link alone was sent by the CFA."""
    allowed = effective(slot.cfa_id, slot.site_id, slot.meeting_type_id).platforms
    return not slot.listed or allowed is None or platform in allowed


def shown_by_any(platform: str) -> sa.ColumnElement[bool]:
    """Return the condition on slots of several CFAs that a page of this platform shows: the same as `shown_on`, in SQL."""

    def said(*scope: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
        codes = sa.select(sa.cast(BookingRule.platforms, sa.Text)).where(BookingRule.cfa_id == Slot.cfa_id, *scope)
        return codes.correlate(Slot).scalar_subquery()

    by_type = said(BookingRule.meeting_type_id == Slot.meeting_type_id)
    by_site = said(BookingRule.meeting_type_id.is_(None), BookingRule.site_id == Slot.site_id)
    by_cfa = said(BookingRule.meeting_type_id.is_(None), BookingRule.site_id.is_(None))
    codes = sa.func.coalesce(by_type, by_site, by_cfa)
    return sa.or_(codes.is_(None), codes.contains(f'"{platform}"', autoescape=True))
