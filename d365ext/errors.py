"""All errors, by what the caller should do.

D365Error
├── UsageError                    the person can fix it                              exit 2
│   ├── SettingsError             key, file
│   ├── DefinitionError           file, line, path inside the file
│   ├── DefinitionErrors          every DefinitionError of one load, not only the first
│   ├── CsvMistake                file, line, column
│   └── CsvMistakes               every CsvMistake of one folder, not only the first
├── PlanError                     nothing was written                                exit 3
│   ├── DriftFound                carries the plan
│   ├── PlanOutOfDate             the environment changed since the plan
│   └── DestructiveChange         needs a word from the person
├── ApplyFailed                   some changes were written                          exit 4
├── DataverseError                status, code, request id, method, path             exit 5
│   ├── Retriable                 retry_after_s
│   │   ├── ServiceProtection     429
│   │   ├── ServiceUnavailable    502, 503, 504
│   │   └── ConnectionFailed      may_have_been_sent: is it safe to send again?
│   ├── Unauthorized              401 after one token refresh; sign-in failed
│   ├── Forbidden                 403; names the missing privilege
│   ├── RowNotFound               404
│   ├── RowChanged                412 (ETag)
│   ├── DuplicateKey              the row, or its key, is there already
│   └── Rejected                  any other refusal
├── DeltaExpired                  not a failure: answered with a full read           exit 5
├── SyncError                                                                        exit 6
│   ├── WriteBackFailed           rows
│   ├── MirrorLocked
│   └── MirrorTooNew
├── LeaseHeld                     another worker runs                                exit 7
└── Stopped                       a signal; clean, resumable                         exit 130

`str(error)` says what, where and what to do next; `message` and `hint` are the first and the last of these apart.
"""

# ruff: noqa: N818 (named for what the caller should do, as the tree is; not every one is an error)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_PATH_SHOWN = 200


class D365Error(Exception):
    """The root: whatever this program refuses or fails at."""

    exit_code: int = 1
    code: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


# ---------------------------------------------------------------- the person can fix it


class UsageError(D365Error):
    """The input is wrong; nothing was sent."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing, unknown or wrong: `key` names it, `file` says where it stands (or "the environment")."""

    def __init__(self, message: str, *, key: str = "", file: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.key = key
        self.file = file


class DefinitionError(UsageError):
    """One mistake in a file of the solution, with its place: `file`, `line` (from 1) and `path` inside the file."""

    def __init__(
        self, message: str, *, file: Path | str, line: int | None = None, path: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = str(file)
        self.line = line
        self.path = path

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        inside = f" [{self.path}]" if self.path else ""
        return f"{where}{inside}: {super().__str__()}"


class DefinitionErrors(UsageError):
    """Every mistake that a load of the solution found."""

    def __init__(self, mistakes: Sequence[DefinitionError]) -> None:
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistakes" if len(self.mistakes) != 1 else "1 mistake"
        super().__init__("\n".join([f"The solution has {count}:", *(f"  {mistake}" for mistake in self.mistakes)]))


class CsvMistake(UsageError):
    """One mistake in a file of rows to load: `file`, `line` (the header is 1) and `column` (its logical name)."""

    def __init__(self, message: str, *, file: str, line: int | None = None, column: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        places = (self.file, "" if self.line is None else f"line {self.line}", self.column)
        return f"{', '.join(place for place in places if place)}: {super().__str__()}"


class CsvMistakes(UsageError):
    """Every mistake that was found in a folder of rows; nothing was written."""

    def __init__(self, mistakes: Sequence[CsvMistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistakes" if len(self.mistakes) != 1 else "1 mistake"
        head = f"Nothing was loaded: the files have {count}:"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))


# ---------------------------------------------------------------- deploy


class PlanError(D365Error):
    """The plan was not carried out; nothing was written."""

    exit_code = 3


class DriftFound(PlanError):
    """The environment differs from the solution; `plan` says how."""

    def __init__(self, message: str, *, plan: object, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.plan = plan


class PlanOutOfDate(PlanError):
    """The environment changed between plan and apply."""


class DestructiveChange(PlanError):
    """A change would destroy something and was not allowed."""


class ApplyFailed(D365Error):
    """Some changes were written: `done`, then `failed`, then `not_started`."""

    exit_code = 4

    def __init__(
        self, message: str, *, done: Sequence[object], failed: object, not_started: Sequence[object], hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.done = tuple(done)
        self.failed = failed
        self.not_started = tuple(not_started)


# ---------------------------------------------------------------- Dataverse


class DataverseError(D365Error):
    """Dataverse refused, or could not be reached.

    `status` is 0 if no answer came; `code` is the platform's (`0x…`, in lower case after the x; may be empty);
    `request_id` is what Microsoft's support asks for; `after_lost_reply` says that an earlier try of the same request
    may have been carried out although its answer never came.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        method: str = "",
        path: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.method = method
        self.path = path
        self.after_lost_reply = False

    def __str__(self) -> str:
        request_id = f"[request {self.request_id}]" if self.request_id else ""
        path = self.path if len(self.path) <= _PATH_SHOWN else f"{self.path[:_PATH_SHOWN]}…"
        where = f"{self.method} {path}".strip()
        answer = " ".join(part for part in (str(self.status or ""), self.code) if part)
        place = f"{where} → {answer}:" if where and answer else f"{where}{answer}:" if where or answer else ""
        return " ".join(part for part in (request_id, place, self.message, self.hint) if part)


class Retriable(DataverseError):
    """It may pass by itself; `retry_after_s` if the service said when."""

    retry_after_s: float | None = None


class ServiceProtection(Retriable):
    """Too many requests for this user: 429."""


class ServiceUnavailable(Retriable):
    """The service, or something on the way to it, is down for the moment: 502, 503, 504."""


class ConnectionFailed(Retriable):
    """No whole answer came. `may_have_been_sent`: the request may have been carried out all the same."""

    may_have_been_sent: bool = False


class Unauthorized(DataverseError):
    """The sign-in failed, or the token was refused twice."""


class Forbidden(DataverseError):
    """The user may not do that; `privilege` names what is missing if the platform says it."""

    privilege: str = ""


class RowNotFound(DataverseError):
    """There is no such row, table or definition."""


class RowChanged(DataverseError):
    """The row is no longer the one that was read (its ETag differs)."""


class DuplicateKey(DataverseError):
    """A row with that id or alternate key is there already."""


class Rejected(DataverseError):
    """Any other refusal."""


class DeltaExpired(D365Error):
    """The delta link is older than the environment keeps changes: read everything again."""

    exit_code = 5
    code = "0x80044352"


# ---------------------------------------------------------------- sync


class SyncError(D365Error):
    """The sync could not finish as it should."""

    exit_code = 6


class WriteBackFailed(SyncError):
    """Some pipeline rows were refused; the others were written."""

    def __init__(self, message: str, *, rows: Sequence[object], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rows = tuple(rows)


class MirrorLocked(SyncError):
    """Another process has the mirror open."""


class MirrorTooNew(SyncError):
    """A newer version of this program made the mirror."""


class LeaseHeld(D365Error):
    """Another worker runs."""

    exit_code = 7


class Stopped(D365Error):
    """A signal asked us to stop; what was begun can be resumed."""

    exit_code = 130
