"""The companies and people of the sample, and who is linked to whom today."""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from d365ext.loader.sample.draw import Draw

NAMESPACE = uuid.UUID("6d8c2a54-6c1e-5b8f-9a3e-1c0f7f1f3a72")
"""All ids of the sample are UUIDv5 in this namespace, which was drawn once."""

END_CUSTOMER, SALES_PARTNER, PRODUCTION_PARTNER = "737860000", "737860001", "737860002"
"""`pch_customertype` by value: labels would need the environment to have English."""

CUSTOMERS_WITH_FIRST_PARTNER, CUSTOMERS_WITH_SECOND_PARTNER, CUSTOMERS_WITH_PRODUCTION = 0.85, 0.4, 0.65
CUSTOMER_CONTACTS = 0.4


@dataclass(frozen=True, slots=True)
class Person:
    """A contact of a company."""

    id: str
    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True, slots=True)
class Company:
    """An account. `role`: its `pch_customertype`. `links`: sales 1, sales 2, production (keys; "" is none)."""

    key: str
    id: str
    name: str
    role: str
    city: str
    country: str
    region: str
    industry: str = ""
    size: float = 1.0
    weight: int = 1
    people: tuple[Person, ...] = ()
    links: tuple[str, str, str] = ("", "", "")
    former_partner: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """Where a customer is: which partners work there, in which currency it pays, in which words it asks."""

    name: str
    country: str
    currency: str
    sales_partners: tuple[str, ...]
    production_partners: tuple[str, ...]
    cities: tuple[str, ...]
    words: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody and everything that deals are made of."""

    partners: dict[str, Company]
    customers: tuple[Company, ...]
    regions: dict[str, Region]
    currencies: dict[str, dict[str, str]]
    usual_eur: tuple[int, ...]
    usual_days: tuple[int, ...]
    buying_partners: tuple[Company, ...] = field(default=())


def id_of(table: str, key: str) -> str:
    """Give the id of the row `key` of `table`."""
    return str(uuid.uuid5(NAMESPACE, f"{table}:{key}"))


def load_cast() -> Cast:
    """Read names.toml and draw what it leaves open: cities, links, the customers' own contacts."""
    text = files("d365ext.loader.sample").joinpath("names.toml").read_text(encoding="utf-8")
    names: dict[str, Any] = tomllib.loads(text)
    regions = {each["name"]: _region(each, names["words"][each["name"]]) for each in names["region"]}
    roles = {"sales_partner": SALES_PARTNER, "production_partner": PRODUCTION_PARTNER}
    partners = {each["key"]: _partner(each, roles[kind]) for kind in roles for each in names[kind]}
    customers = tuple(
        _customer(f"{name}-{number:02}", entry, regions[name], partners)
        for name, entries in names["customers"].items()
        for number, entry in enumerate(entries, 1)
    )
    return Cast(
        partners=partners,
        customers=customers,
        regions=regions,
        currencies=names["currencies"],
        usual_eur=tuple(names["products"]["usual_eur"]),
        usual_days=tuple(names["products"]["usual_days"]),
        buying_partners=tuple(partners[each["key"]] for each in names["sales_partner"] if each.get("also_buys")),
    )


def _region(entry: dict[str, Any], words: dict[str, list[str]]) -> Region:
    lists = {name: tuple(entry[name]) for name in ("sales_partners", "production_partners", "cities")}
    return Region(name=entry["name"], country=entry["country"], currency=entry["currency"], words=words, **lists)


def _partner(entry: dict[str, Any], role: str) -> Company:
    people = tuple(_person(entry["key"], first, last) for first, last in entry["contacts"])
    return Company(
        key=entry["key"],
        id=id_of("account", entry["key"]),
        name=entry["name"],
        role=role,
        city=entry["city"],
        country=entry["country"],
        region="fi" if entry["country"] == "Finland" else "",
        weight=entry["weight"],
        people=people,
    )


def _customer(key: str, entry: dict[str, Any], region: Region, partners: dict[str, Company]) -> Company:
    draw = Draw(f"customer {key}")
    former = entry.get("former_partner", "")
    open_to = [partner for partner in region.sales_partners if partner != former]
    weights = [partners[partner].weight for partner in open_to]
    first = draw.pick(open_to, weights) if former or draw.chance(CUSTOMERS_WITH_FIRST_PARTNER) else ""
    others = [partner for partner in open_to if partner != first]
    second = draw.pick(others) if first and others and draw.chance(CUSTOMERS_WITH_SECOND_PARTNER) else ""
    production = draw.pick(region.production_partners) if draw.chance(CUSTOMERS_WITH_PRODUCTION) else ""
    people: tuple[Person, ...] = ()
    if draw.chance(CUSTOMER_CONTACTS):
        people = (_person(key, draw.pick(region.words["first_names"]), draw.pick(region.words["last_names"])),)
    return Company(
        key=key,
        id=id_of("account", key),
        name=entry["name"],
        role=END_CUSTOMER,
        city=draw.pick(region.cities),
        country=region.country,
        region=region.name,
        industry=str(entry["industry"]),
        size=entry.get("size", 1.0),
        people=people,
        links=(first, second, production),
        former_partner=former,
    )


def _person(company: str, first_name: str, last_name: str) -> Person:
    """Make a contact with an address under `.example`, a name that RFC 2606 keeps from ever existing."""
    plain = f"{first_name}.{last_name}".lower().translate(str.maketrans("äåöéíø ", "aaoeio-"))
    return Person(
        id=id_of("contact", f"{company} {first_name} {last_name}"),
        first_name=first_name,
        last_name=last_name,
        email=f"{plain}@{company}.example",
    )
