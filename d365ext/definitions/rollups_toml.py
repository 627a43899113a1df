"""Reads `solution/rollups.toml` into `rollups.Rollups`, and reports every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from d365ext.definitions.entries import Entries
from d365ext.definitions.expressions import (
    NUMBERS,
    ExpressionError,
    Kind,
    aggregate_kind,
    did_you_mean,
    row_kind,
)
from d365ext.definitions.rollups import (
    CustomerStep,
    Latest,
    Level,
    Parameter,
    Role,
    Rollup,
    Rollups,
    RollupType,
    Source,
    SourceColumn,
)
from d365ext.definitions.tomlfile import Place, TomlFile
from d365ext.errors import DefinitionErrors
from d365ext.names import EntitySetName, LogicalName

CUSTOMER = "customer"
"""The column that every source has: the account that a deal belongs to, or empty."""

_SCALES = {RollupType.INTEGER: 0, RollupType.MONEY: 2, RollupType.DATE: 0}
# Source: learn.microsoft.com/…/entity-attribute-metadata, DecimalAttributeMetadata ("MaxSupportedPrecision" is 10)
_SCALE_MAX = 10


class RollupsReader(Entries):
    """One reading of one file; the mistakes gather here."""

    def __init__(self, file: TomlFile, prefix: str, languages: Sequence[str]) -> None:
        super().__init__(file, languages)
        self._prefix = prefix
        self._kinds: dict[str, dict[str, Kind]] = {}

    def read(self) -> Rollups:
        """Read the file.

        Errors:  DefinitionErrors
        """
        content = self.file.content
        self.only(content, (), ("parameters", "source", "rollup"))
        parameters = tuple(self._parameters(self.table(content, (), "parameters")))
        dates = {parameter.name: Kind.DATE for parameter in parameters}
        sources: dict[str, Source] = {}
        for name in self.table(content, (), "source"):
            sources[name] = self._source(content["source"], name, dates, sources)
        rollups = [self._rollup(content["rollup"], name, sources) for name in self.table(content, (), "rollup")]
        if self.mistakes:
            raise DefinitionErrors(self.mistakes)
        return Rollups(self.file.path, parameters, sources, tuple(rollups))

    # ------------------------------------------------------------ sections

    def _parameters(self, section: Mapping[str, Any]) -> Iterable[Parameter]:
        for name in section:
            place = ("parameters", name)
            self.name(name, place)
            entry = self.table(section, ("parameters",), name)
            self.only(entry, place, ("months",))
            yield Parameter(name, self.get(entry, place, "months", int, 0))

    def _source(
        self, section: Mapping[str, Any], name: str, dates: Mapping[str, Kind], above: Mapping[str, Source]
    ) -> Source:
        place: Place = ("source", name)
        self.name(name, place)
        entry = self.table(section, ("source",), name)
        self.only(
            entry, place, ("table", "entity_set", "customer", "partners", "contacts", "latest", "reads", "columns")
        )
        reads = self.table(entry, place, "reads")
        source = Source(
            name=name,
            table=self._logical(self.need(entry, place, "table"), (*place, "table")),
            entity_set=EntitySetName(self.need(entry, place, "entity_set")),
            customer=tuple(self._steps(entry, place, above)),
            partners=self._by_role(entry, place, "partners"),
            contacts=self._by_role(entry, place, "contacts"),
            reads={
                self._logical(key, (*place, "reads", key)): self.member(Kind, kind, (*place, "reads", key), Kind.TEXT)
                for key, kind in reads.items()
            },
            columns=tuple(self._columns(entry, place)),
            latest=tuple(self._latest(entry, place)),
        )
        self._kinds[name] = self._check_source(source, place, dates)
        return source

    def _rollup(self, section: Mapping[str, Any], name: str, sources: Mapping[str, Source]) -> Rollup:
        place: Place = ("rollup", name)
        self.name(name, place)
        entry = self.table(section, ("rollup",), name)
        self.only(entry, place, ("from", "type", "value", "over", "per", "scale", "levels", "label", "description"))
        before = len(self.mistakes)
        source, value = self.need(entry, place, "from"), self.need(entry, place, "value")
        if source and source not in sources:
            self.mistake(f"There is no source {source!r}{did_you_mean(source, sources)}.", (*place, "from"))
        kind = self.member(RollupType, self.need(entry, place, "type"), (*place, "type"), RollupType.INTEGER)
        can_be_checked = len(self.mistakes) == before
        rollup = Rollup(
            name=name,
            column=LogicalName(f"{self._prefix}_{name}"),
            source=source,
            type=kind,
            value=value,
            over=self.get(entry, place, "over", str),
            per=self.get(entry, place, "per", int),
            scale=self._scale(entry, place, kind),
            levels=self._levels(entry, place),
            label=self.texts(entry, place, "label"),
            description=self.texts(entry, place, "description"),
        )
        if can_be_checked:
            self._check_rollup(rollup, place)
        return rollup

    # ------------------------------------------------------------ parts of a source

    def _steps(self, entry: Mapping[str, Any], place: Place, above: Mapping[str, Source]) -> Iterable[CustomerStep]:
        known = ("account", "contact", *above)
        for index, step in enumerate(self.get(entry, place, "customer", list, [])):
            at = (*place, "customer", index)
            if not isinstance(step, dict) or len(step) != 1 or not isinstance(next(iter(step.values())), str):
                self.mistake('One pair is expected, like { account = "customerid" }.', at)
                continue
            via, column = next(iter(step.items()))
            if via not in known:
                self.mistake(f"{via!r} is none of {', '.join(known)}{did_you_mean(via, known)}.", at)
            yield CustomerStep(via, self._logical(column, at))

    def _by_role(self, entry: Mapping[str, Any], place: Place, key: str) -> dict[Role, LogicalName]:
        at = (*place, key)
        columns: dict[Role, LogicalName] = {}
        for role, column in self.table(entry, place, key).items():
            columns[self.member(Role, role, (*at, role), Role.SALES)] = self._logical(str(column), (*at, role))
        missing = [role for role in Role if role not in columns]
        if missing:
            self.mistake(f"A column is needed for: {', '.join(missing)}.", at)
        return columns

    def _columns(self, entry: Mapping[str, Any], place: Place) -> Iterable[SourceColumn]:
        section = self.table(entry, place, "columns")
        for name, value in section.items():
            at = (*place, "columns", name)
            self.name(name, at)
            if not isinstance(value, list) or len(value) != 2 or not all(isinstance(part, str) for part in value):
                self.mistake('A kind and an expression are expected, like ["bool", "statecode = 0"].', at)
                continue
            yield SourceColumn(name, self.member(Kind, value[0], at, Kind.BOOL), value[1])

    def _latest(self, entry: Mapping[str, Any], place: Place) -> Iterable[Latest]:
        section = self.table(entry, place, "latest")
        for name in section:
            at = (*place, "latest", name)
            self.name(name, at)
            each = self.table(section, (*place, "latest"), name)
            self.only(each, at, ("where", "per", "by"))
            where, per, by = (self.need(each, at, key) for key in ("where", "per", "by"))
            yield Latest(name, where, self._logical(per, (*at, "per")), self._logical(by, (*at, "by")))

    # ------------------------------------------------------------ what must fit together

    def _check_source(self, source: Source, place: Place, dates: Mapping[str, Kind]) -> dict[str, Kind]:
        """Check the expressions of `source`, and give the kinds of everything that a rollup may name."""
        raw: dict[str, Kind] = {**source.raw, **dates}
        kinds = {**raw, CUSTOMER: Kind.ID}
        for latest in source.latest:
            at = (*place, "latest", latest.name)
            self._expression(latest.where, raw, (*at, "where"), {Kind.BOOL})
            if latest.by not in source.reads:
                self.mistake(f"{latest.by!r} is not read{did_you_mean(latest.by, source.reads)}.", (*at, "by"))
            self._new(latest.name, kinds, at)
            kinds[latest.name] = Kind.BOOL
        for column in source.columns:
            at = (*place, "columns", column.name)
            fits: set[Kind] = set(NUMBERS) if column.kind is Kind.MONEY else {column.kind}
            self._expression(column.expression, raw, at, fits)
            self._new(column.name, kinds, at)
            kinds[column.name] = column.kind
        return kinds

    def _check_rollup(self, rollup: Rollup, place: Place) -> None:
        known = self._kinds[rollup.source]
        fits = {
            RollupType.INTEGER: {Kind.WHOLE},
            RollupType.MONEY: set(NUMBERS),
            RollupType.DECIMAL: set(NUMBERS),
            RollupType.DATE: {Kind.DATE},
        }[rollup.type]
        if rollup.over is not None or rollup.per is not None:
            fits &= NUMBERS
        is_twice = rollup.over is not None and rollup.per is not None
        if not fits or is_twice or (rollup.per is not None and rollup.per < 1):
            self.mistake("A number can be divided by one of `over` and `per`; `per` is at least 1.", place)
            return
        self._expression(rollup.value, known, (*place, "value"), fits, aggregate=True)
        if rollup.over is not None:
            self._expression(rollup.over, known, (*place, "over"), set(NUMBERS), aggregate=True)

    def _expression(
        self, text: str, known: Mapping[str, Kind], place: Place, fits: set[Kind], *, aggregate: bool = False
    ) -> None:
        try:
            kind = aggregate_kind(text, known) if aggregate else row_kind(text, known)
        except ExpressionError as refusal:
            self.mistake(f"{text!r}: {refusal}.", place)
            return
        if kind not in fits:
            self.mistake(f"{text!r} is {kind}, not {' or '.join(sorted(fits))}.", place)

    def _logical(self, name: str, place: Place) -> LogicalName:
        self.name(name, place)
        return LogicalName(name)

    def _new(self, name: str, known: Mapping[str, Kind], place: Place) -> None:
        if name in known:
            self.mistake(f"{name!r} is the name of a column or parameter already.", place)

    def _scale(self, entry: Mapping[str, Any], place: Place, kind: RollupType) -> int:
        scale = self.get(entry, place, "scale", int)
        if kind is not RollupType.DECIMAL:
            if scale is not None:
                self.mistake(f"The scale of {kind} is fixed.", (*place, "scale"))
            return _SCALES[kind]
        if scale is None or not 0 <= scale <= _SCALE_MAX:
            self.mistake(f"A decimal needs a scale of 0 to {_SCALE_MAX}.", (*place, "scale"))
        return scale or 0

    def _levels(self, entry: Mapping[str, Any], place: Place) -> tuple[Level, ...]:
        named = self.get(entry, place, "levels", list, list(Level))
        chosen = {
            self.member(Level, level, (*place, "levels", index), Level.PARTNER) for index, level in enumerate(named)
        }
        if not chosen:
            self.mistake("At least one level is needed.", (*place, "levels"))
        return tuple(level for level in Level if level in chosen)
