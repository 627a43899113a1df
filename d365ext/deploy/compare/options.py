"""The options of a choice, global or a column's own. Options that we did not declare stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from d365ext.definitions.columns import Option
from d365ext.deploy.change import AddOption, Change, OptionPlace, RelabelOption
from d365ext.deploy.describe import text_changes
from d365ext.deploy.environment import Languages


def compare_options(
    of: OptionPlace, wanted: Iterable[Option], found: Iterable[Option], languages: Languages
) -> Iterator[Change]:
    """Find the options to add and to relabel."""
    there = {option.value: option for option in found}
    for option in wanted:
        before = there.get(option.value)
        if before is None:
            yield AddOption(of, option)
        elif differences := text_changes("label", before.label, languages.kept(option.label)):
            yield RelabelOption(of, option, tuple(differences))
