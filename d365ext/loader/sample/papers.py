"""What surrounds the opportunities of the sample: the leads before them, the quotes and orders after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from d365ext.loader.sample.cast import Cast, Company, Person, id_of
from d365ext.loader.sample.deals import LOST, OPEN, WON, Deal
from d365ext.loader.sample.draw import Draw

LEADS_WITHOUT_DEAL = 50
QUALIFIED, DISQUALIFIED = "Qualified", "Disqualified"
FROM_PARTNER, FROM_ELSEWHERE = "4", ("1", "7", "8", "9")
"""`leadsourcecode`: 4 Partner; 1 Advertisement, 7 Trade Show, 8 Web, 9 Word of Mouth.

Source: learn.microsoft.com/dynamics365/customer-engagement/web-api/lead (leadsourcecode)."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead; `deal` is the opportunity that came of it."""

    id: str
    subject: str
    customer: Company
    first_name: str
    last_name: str
    sales: Company | None
    seller: Person | None
    currency: str
    amount: int
    created: date
    state: str
    source: str
    deal: Deal | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A quote or an order of a deal. `quote`: the id of the quote that an order came from."""

    id: str
    name: str
    deal: Deal
    amount: int
    created: date
    state: str
    quote: str = ""


def leads_of(cast: Cast, deals: Sequence[Deal], today: date) -> Iterator[Lead]:
    """Draw the leads: those that a young deal came of, then those that came to nothing or are still open."""
    for deal in deals:
        draw = Draw(f"lead of {deal.number}")
        if (today - deal.created).days < 330 and draw.chance(0.2):
            created = deal.created - timedelta(days=draw.between(4, 40))
            yield _lead(cast, f"deal {deal.number}", deal.customer, draw, created, QUALIFIED, deal)
    for number in range(1, LEADS_WITHOUT_DEAL + 1):
        draw = Draw(f"lead {number}")
        state = OPEN if number % 2 else DISQUALIFIED
        created = today - timedelta(days=draw.between(1, 60 if state == OPEN else 300))
        yield _lead(cast, str(number), draw.pick(cast.customers), draw, created, state, None)


def _lead(cast: Cast, key: str, customer: Company, draw: Draw, created: date, state: str, deal: Deal | None) -> Lead:
    region = cast.regions[customer.region]
    linked = customer.links[0]
    sales = deal.sales if deal else (cast.partners[linked] if linked and draw.chance(0.6) else None)
    seller = deal.seller if deal else (sales.people[0] if sales else None)
    product = draw.pick(range(len(cast.usual_eur)))
    return Lead(
        id=id_of("lead", key),
        subject=deal.name if deal else f"{region.words['products'][product]}, {draw.pick(region.words['places'])}",
        customer=customer,
        first_name=draw.pick(region.words["first_names"]),
        last_name=draw.pick(region.words["last_names"]),
        sales=sales,
        seller=seller,
        currency=region.currency,
        amount=deal.amount if deal else cast.usual_eur[product] * 100,
        created=created,
        state=state,
        source=FROM_PARTNER if sales else draw.pick(FROM_ELSEWHERE),
        deal=deal,
    )


def quotes_of(deals: Sequence[Deal], today: date) -> Iterator[Paper]:
    """Draw the quotes: drafts and active ones of open deals, won and closed ones of the others."""
    for deal in deals:
        draw = Draw(f"quotes of {deal.number}")
        if deal.state == OPEN:
            yield from _open_quotes(deal, draw, today)
        elif draw.chance(0.62 if deal.state == WON else 0.35):
            created = min(deal.created + timedelta(days=draw.between(3, 30)), deal.closed or today)
            amount = deal.paid if deal.state == WON and deal.paid else deal.amount
            yield Paper(id_of("quote", f"{deal.number}/1"), deal.name, deal, amount, created, _ended(deal))


def _open_quotes(deal: Deal, draw: Draw, today: date) -> Iterator[Paper]:
    """Give an early deal none or a draft, a later one an active quote, and some a second one with a better price."""
    created = min(deal.created + timedelta(days=draw.between(3, 25)), today - timedelta(days=1))
    if (deal.probability or 0) < 40:
        if draw.chance(0.25):
            yield Paper(id_of("quote", f"{deal.number}/1"), deal.name, deal, deal.amount, created, "Draft")
    elif draw.chance(0.8):
        yield Paper(id_of("quote", f"{deal.number}/1"), deal.name, deal, deal.amount, created, "Active")
        if draw.chance(0.15):
            better = deal.amount * draw.between(88, 97) // 100
            later = min(created + timedelta(days=draw.between(5, 20)), today)
            yield Paper(id_of("quote", f"{deal.number}/2"), f"{deal.name} (2)", deal, better, later, "Active")


def _ended(deal: Deal) -> str:
    return "Closed" if deal.state == LOST else "Won"


def orders_of(deals: Sequence[Deal], quotes: Sequence[Paper], today: date) -> Iterator[Paper]:
    """Draw the orders of won deals: old ones invoiced or fulfilled, young ones active, a few cancelled."""
    quoted = {quote.deal.number: quote for quote in quotes if quote.state == "Won"}
    for deal in deals:
        draw = Draw(f"order of {deal.number}")
        if deal.state != WON or deal.closed is None or not (deal.number in quoted or draw.chance(0.35)):
            continue
        quote = quoted.get(deal.number)
        age = (today - deal.closed).days
        state = "Canceled" if draw.chance(0.04) else _order_state(age, draw)
        yield Paper(
            id=id_of("salesorder", str(deal.number)),
            name=deal.name,
            deal=deal,
            amount=quote.amount if quote else (deal.paid or deal.amount),
            created=deal.closed,
            state=state,
            quote=quote.id if quote else "",
        )


def _order_state(age_days: int, draw: Draw) -> str:
    if age_days < 45:
        return "Active"
    return draw.pick(("Submitted", "Fulfilled", "Invoiced"), (1, 2, 1 + age_days / 100))
