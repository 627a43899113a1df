"""What an organization of the local Dataverse may be told at its start.

Where the documentation is unsure how the platform behaves, a setting plays either way and tests run both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from d365ext.emulator.web.faults import Fault
from d365ext.emulator.web.limits import Limits


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """Settings of one organization. The first group is written into a new store and read from it ever after."""

    base_currency: str = "EUR"
    languages: tuple[int, ...] = (1033, 1035, 1053)  # provisioned; the first is the base language
    # A row takes the currency's rate of today when money on it changes (field reports, data-plane.md §10), or on
    # every save.
    refresh_rate_on: Literal["money", "save"] = "money"
    # A column that may not be written is ignored when it is sent (field reports, see rows.py), or refused.
    read_only_columns: Literal["ignore", "refuse"] = "ignore"
    # Key values with / < > * % & : \\ ? + do not work in addresses (alternate keys page), or do.
    special_characters_in_keys: Literal["refuse", "accept"] = "refuse"
    # "code" is documented as often empty for conditional failures, while live services fill it (data-plane.md §2.1).
    error_codes: Literal["filled", "empty"] = "filled"
    # Labels in a language that is not provisioned: refused or dropped, the documentation does not say.
    unprovisioned_labels: Literal["reject", "drop"] = "reject"
    # Names of relationships start with a publisher's prefix (InvalidNamePrefix in the code table), or need one inside
    # (Microsoft's Python SDK 1.1.0 names them account_new_tree_new_ParentId, and so do its tests against services).
    relationship_names: Literal["prefix_first", "prefix_inside"] = "prefix_first"
    require_token: bool = False  # 401 without an Authorization: Bearer header
    body_bytes_max: int = 128 * 1024 * 1024  # 413 above; inferred from the 116.85 MB plug-in context limit
    # A failed change set is answered by one part (OData 4.0 §11.7.4) or by a change set of one part (batch.py).
    failed_change_set: Literal["single", "multipart"] = "single"
    # A delta link carries the version as of the first page of a read, or as of the last (changes.py).
    delta_stamp: Literal["first", "last"] = "first"
    # An opportunity with draft or active quotes cannot be closed (support article on closing), or can.
    close_with_open_quotes: Literal["refused", "allowed"] = "refused"
    # Reopening an opportunity empties actualvalue and actualclosedate, or keeps them (no documentation found).
    reopened_actuals: Literal["emptied", "kept"] = "emptied"
    # Ordinary columns of quotes and orders past their draft state: only an administrator may write them (privacy page
    # of Dynamics 365 Sales), nobody, or everybody (sales_states.py).
    closed_rows: Literal["admin_writable", "read_only", "writable"] = "admin_writable"
    # Service protection limits, enforced from the start (limits.py); none by default.
    limits: Limits = field(default_factory=Limits)
    # Faults that strike from the start (faults.py), and the seed of their dice.
    faults: tuple[Fault, ...] = ()
    fault_seed: int = 0
    # Bearer token → systemuserid; any other token is the system administrator (callers.py).
    tokens: Mapping[str, str] = field(default_factory=dict)
