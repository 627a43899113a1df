"""What a run did, as the command line prints it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sync.pull import PullCount
from sync.push import FailedRow, PushCount


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run. `rows`: those that the pipeline has now; `computed`: whether anything had to be computed."""

    as_of: date
    tables: Mapping[str, PullCount]
    rows: int
    written: PushCount
    computed: bool
    requests: int
    throttled_s: float
    duration_s: float
    failed: tuple[FailedRow, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Give the summary in the shape that programs rely on (design.md, contracts)."""
        return {
            "as_of": self.as_of.isoformat(),
            "tables": {
                name: {"read": count.read, "deleted": count.deleted, "pages": count.pages}
                for name, count in self.tables.items()
            },
            "pipeline": {
                "rows": self.rows,
                "created": self.written.created,
                "updated": self.written.updated,
                "deleted": self.written.deleted,
                "failed": len(self.failed),
            },
            "requests": self.requests,
            "throttled_s": round(self.throttled_s, 3),
            "duration_s": round(self.duration_s, 3),
        }
