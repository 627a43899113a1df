"""The opportunities of the sample: who buys what through whom, when, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from d365ext.loader.sample.cast import Cast, Company, Person, id_of
from d365ext.loader.sample.draw import Draw

OPPORTUNITIES = 800
OWN_PURCHASES = 6
"""Deals in which a partner is the customer."""

PARTNERS_CHANGED_DAYS_AGO = 170
"""Customers with a former partner changed to today's links so long ago; deals begun before keep the former one."""

OPEN, WON, LOST = "Open", "Won", "Lost"
SHARE_OPEN, SHARE_WON = 0.3, 0.37
SHARE_DIRECT = 0.34
SHARE_UNLINKED = 0.04
"""Deals through a partner of the region that the customer's links do not name today."""

DELIVERED_BY_PARTNER = {OPEN: 0.35, WON: 0.75, LOST: 0.2}
LOST_BECAUSE = ("4", "5")
"""Status reasons of a lost opportunity: 4 Canceled, 5 Out-Sold.

Source: learn.microsoft.com/dynamics365/customer-engagement/web-api/opportunity (statuscode)."""


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity. `amount` (estimated) and `paid` (actual) are in cents of `currency`."""

    number: int
    id: str
    name: str
    customer: Company
    buyer: Person | None
    through_person: bool
    sales: Company | None
    seller: Person | None
    production: Company | None
    installer: Person | None
    currency: str
    amount: int
    paid: int | None
    probability: int | None
    created: date
    expected: date | None
    closed: date | None
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Course:
    """How a deal went in time."""

    state: str
    created: date
    expected: date | None
    closed: date | None


def draw_deals(cast: Cast, today: date) -> Iterator[Deal]:
    """Draw all opportunities, always the same ones; their dates follow `today`."""
    weights = [customer.size for customer in cast.customers]
    for number in range(1, OPPORTUNITIES + 1):
        draw = Draw(f"deal {number}")
        if number <= OWN_PURCHASES:
            yield _deal(cast, number, draw.pick(cast.buying_partners), draw, today)
        else:
            yield _deal(cast, number, draw.pick(cast.customers, weights), draw, today)


def _deal(cast: Cast, number: int, customer: Company, draw: Draw, today: date) -> Deal:
    region = cast.regions[customer.region]
    product = draw.pick(range(len(cast.usual_eur)))
    course = _course(cast.usual_days[product], draw, today)
    amount = _amount(cast, cast.usual_eur[product] * customer.size, region.currency, draw)
    deal = Deal(
        number=number,
        id=id_of("opportunity", str(number)),
        name=f"{region.words['products'][product]}, {draw.pick(region.words['places'])}",
        customer=customer,
        buyer=customer.people[0] if customer.people and draw.chance(0.5) else None,
        through_person=False,
        sales=None,
        seller=None,
        production=None,
        installer=None,
        currency=region.currency,
        amount=amount,
        paid=_paid(course.state, amount, draw),
        probability=_probability(course.state, draw),
        created=course.created,
        expected=course.expected,
        closed=course.closed,
        state=course.state,
        reason=draw.pick(LOST_BECAUSE) if course.state == LOST else "",
    )
    if number <= OWN_PURCHASES:
        return deal
    with_partners = _with_partners(cast, deal, draw, today)
    return replace(with_partners, through_person=deal.buyer is not None and draw.chance(0.3))


def _course(usual_days: int, draw: Draw, today: date) -> _Course:
    share = draw.factor(0, 1)
    days = max(5, int(usual_days * draw.factor(0.35, 1.9)))
    if draw.chance(SHARE_OPEN):
        created = today - timedelta(days=draw.between(2, 40) + int(share * days))
        expected = created + timedelta(days=int(days * draw.factor(0.45, 1.9)))
        if (today - expected).days > 60:
            expected = today + timedelta(days=draw.between(4, 75))
        return _Course(OPEN, created, None if draw.chance(0.04) else expected, None)
    state = WON if draw.chance(SHARE_WON / (1 - SHARE_OPEN)) else LOST
    closed = today - timedelta(days=draw.between(1, 725))
    created = closed - timedelta(days=days)
    return _Course(state, created, closed + timedelta(days=draw.between(-25, 30)), closed)


def _amount(cast: Cast, usual_eur: float, currency: str, draw: Draw) -> int:
    rate = float(cast.currencies[currency]["rate"]) if currency in cast.currencies else 1.0
    amount = usual_eur * rate * draw.factor(0.4, 1.8)
    step = 500 if currency == "SEK" else 50
    whole = max(step, int(amount / step) * step)
    return whole * 100 + (draw.between(1, 99) if draw.chance(0.25) else 0)


def _paid(state: str, amount: int, draw: Draw) -> int | None:
    discount = draw.factor(0.82, 1.04)
    if state == OPEN or (state == WON and draw.chance(0.1)):
        return None
    return int(amount * discount / 5000) * 5000 if state == WON else 0


def _probability(state: str, draw: Draw) -> int | None:
    drawn = draw.pick((10, 25, 40, 60, 75, 90), (2, 4, 5, 4, 3, 2))
    return drawn if state == OPEN and not draw.chance(0.05) else None


def _with_partners(cast: Cast, deal: Deal, draw: Draw, today: date) -> Deal:
    """Name the partners as they were when the deal began."""
    customer = deal.customer
    first, second, production = customer.links
    if customer.former_partner and (today - deal.created).days > PARTNERS_CHANGED_DAYS_AGO:
        first, second = customer.former_partner, ""
    region = cast.regions[customer.region]
    linked = [key for key in (first, second) if key]
    key = "" if not linked or draw.chance(SHARE_DIRECT) else draw.pick(linked)
    if draw.chance(SHARE_UNLINKED):
        key = draw.pick(region.sales_partners, [cast.partners[name].weight for name in region.sales_partners])
    sales = cast.partners[key] if key else None
    delivers = bool(production) and draw.chance(DELIVERED_BY_PARTNER[deal.state])
    producer = cast.partners[production] if delivers else None
    return replace(
        deal,
        sales=sales,
        seller=_somebody(sales, draw),
        production=producer,
        installer=_somebody(producer, draw),
    )


def _somebody(partner: Company | None, draw: Draw) -> Person | None:
    """Draw the partner's contact for a deal; now and then nobody wrote it down."""
    if partner is None or draw.chance(0.07):
        return None
    return draw.pick(partner.people, range(len(partner.people) + 1, 1, -1))
