"""Settings: environment variables `D365EXT_…` over `config/<profile>.toml` over `config/default.toml`.

Owns what can be set, and says which key in which file is wrong. Reads no secret from a file. Opens no connection.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from d365ext.errors import SettingsError
from d365ext.shipped import shipped

ENVIRONMENT = "the environment"
COMMAND_LINE = "the command line"


class Auth(StrEnum):
    """How to sign in."""

    NONE = "none"
    CLIENT_SECRET = "client-secret"  # noqa: S105 (the name of a mode)
    CERTIFICATE = "certificate"
    MANAGED_IDENTITY = "managed-identity"
    WORKLOAD_IDENTITY = "workload-identity"
    DEVICE_CODE = "device-code"
    INTERACTIVE = "interactive"


NEEDED: Mapping[Auth, tuple[str, ...]] = {
    Auth.NONE: (),
    Auth.CLIENT_SECRET: ("tenant_id", "client_id", "client_secret"),
    Auth.CERTIFICATE: ("tenant_id", "client_id", "certificate_path"),
    Auth.MANAGED_IDENTITY: (),
    Auth.WORKLOAD_IDENTITY: ("tenant_id", "client_id", "token_file"),
    Auth.DEVICE_CODE: ("tenant_id", "client_id"),
    Auth.INTERACTIVE: ("tenant_id", "client_id"),
}
SECRETS = frozenset({"client_secret", "certificate_password"})

# What a Kubernetes cluster with workload identity gives its pods
# (learn.microsoft.com/azure/aks/workload-identity-overview, "injected environment variables").
_CLUSTER_GIVES = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "token_file": "AZURE_FEDERATED_TOKEN_FILE",
}

_API_PATH = re.compile(r"/?(api(/data(/v\d+\.\d+)?)?)?/?")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Settings(BaseSettings):
    """Everything that can be set, checked. Made by `load_settings`.

    Units:   `…_s` in seconds; `page_rows` 1..5000 rows; `batch_rows` 1..1000 operations; `parallel` 1..52 requests.
    Source:  learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results (5,000 rows a page),
             …/webapi/execute-batch-operations-using-web-api ("up to 1000 individual requests"),
             …/api-limits (52 or more concurrent requests).
    """

    model_config = SettingsConfigDict(env_prefix="D365EXT_", env_ignore_empty=True, extra="forbid", frozen=True)

    url: str
    auth: Auth
    authority: str
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    certificate_path: Path | None = None
    certificate_password: SecretStr | None = None
    token_file: Path | None = None
    state_dir: Path
    timezone: str
    connect_timeout_s: float = Field(gt=0)
    read_timeout_s: float = Field(gt=0)
    retry_total_s: float = Field(ge=0)
    page_rows: int = Field(ge=1, le=5000)
    batch_rows: int = Field(ge=1, le=1000)
    parallel: int = Field(ge=1, le=52)
    memory_limit: str = Field(pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    log_format: Literal["text", "json"]
    log_level: Literal["debug", "info", "warning", "error"]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from `load_settings` alone, which knows where each one came from."""
        del env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a moment becomes a date."""
        return ZoneInfo(self.timezone)

    @field_validator("url", "authority")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return _address(value)

    @field_validator("timezone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as cause:
            raise ValueError(f"{value!r} is no time zone; an IANA name is wanted, such as Europe/Helsinki") from cause
        return value

    @field_validator("state_dir", "certificate_path", "token_file")
    @classmethod
    def _of_home(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()


def is_loopback(url: str) -> bool:
    """Say whether `url` leads to this very machine, whatever the name servers say.

    >>> is_loopback("http://127.0.0.1:8181"), is_loopback("http://[::1]"), is_loopback("https://localhost.evil.example")
    (True, True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(value: str) -> str:
    """Give scheme and host of an address, or say what is wrong with it."""
    parts = urlsplit(value.strip())
    port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if parts.scheme not in ("https", "http") or not parts.hostname or (port and not port.isdigit()):
        raise ValueError("it must be an address such as https://yourcompany.crm4.dynamics.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must hold no user name and no password")
    if parts.query or parts.fragment or not _API_PATH.fullmatch(parts.path):
        raise ValueError(f"it must end after the host: {parts.scheme}://{parts.netloc}")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("it must begin with https:// (http:// is for this machine alone)")
    return f"{parts.scheme}://{parts.netloc}".lower()


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values from one place; `origin` is how an error calls it."""

    origin: str
    values: Mapping[str, Any]


def load_settings(profile: str | None = None, **overrides: Any) -> Settings:
    """Read the settings of `profile` (default: D365EXT_PROFILE, else `local`) and check them.

    `overrides` are values of the command line; None counts as not given. They win over environment variables, those
    over `<profile>.toml`, that over `default.toml`. Files stand in the shipped `config/`; D365EXT_CONFIG_DIR names a
    folder that is searched first.

    Errors:  SettingsError, naming key and file: unknown key, wrong type, no such profile, missing address, missing
             credential of the chosen sign-in, a secret in a file, `none` or http beyond loopback.
    """
    profile = profile or os.environ.get("D365EXT_PROFILE") or "local"
    layers = [
        _Layer(COMMAND_LINE, {key: value for key, value in overrides.items() if value is not None}),
        _Layer(ENVIRONMENT, EnvSettingsSource(Settings)()),
        *_file_layers(profile),
    ]
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged.update(layer.values)
    if merged.get("auth") == Auth.WORKLOAD_IDENTITY:
        given = {key: os.environ.get(name) for key, name in _CLUSTER_GIVES.items()}
        merged = {key: value for key, value in given.items() if value} | merged
    if "url" not in merged:
        raise SettingsError(
            f"No environment is named for profile {profile!r}.",
            key="url",
            file=f"{profile}.toml",
            hint=f"Set D365EXT_URL to its address, or write url into config/{profile}.toml"
            " (config/production.toml.example shows how).",
        )
    try:
        settings = Settings(**merged)
    except ValidationError as cause:
        raise _first_mistake(cause, layers) from cause
    _check_sign_in(settings, layers)
    return settings


def _file_layers(profile: str) -> list[_Layer]:
    """Read the files of a profile; only `production` may have none, for the environment can hold all of it."""
    own = os.environ.get("D365EXT_CONFIG_DIR")
    folders = [*([Path(own)] if own else []), shipped("config")]
    if not _PROFILE.fullmatch(profile):
        raise SettingsError(
            f"{profile!r} is no name of a profile.", key="profile", hint="Use letters, digits, - and _."
        )
    layers = []
    for name in (profile, "default"):
        file = next((folder / f"{name}.toml" for folder in folders if (folder / f"{name}.toml").is_file()), None)
        if file is not None:
            layers.append(_Layer(str(file), _read(file)))
        elif name != "production":
            known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")} - {"default"})
            raise SettingsError(
                f"There is no profile {name!r}: {folders[0] / name}.toml does not exist.",
                key="profile",
                file=f"{folders[0] / name}.toml",
                hint=f"Known: {', '.join(sorted({*known, 'production'}))}.",
            )
    return layers


def _read(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise SettingsError(f"{file} is not TOML: {cause}.", file=str(file)) from cause
    except OSError as cause:
        raise SettingsError(f"{file} cannot be read: {cause.strerror}.", file=str(file)) from cause
    for key in values:
        if key in SECRETS:
            raise SettingsError(
                f"{key} must not stand in a file ({file}).",
                key=key,
                file=str(file),
                hint=f"Remove it there, set D365EXT_{key.upper()}, and change the secret if the file was shared.",
            )
        if key not in Settings.model_fields:
            raise SettingsError(
                f"Unknown setting {key!r} in {file}.",
                key=key,
                file=str(file),
                hint=f"{_nearest(key)}Known: {', '.join(sorted(set(Settings.model_fields) - SECRETS))}.",
            )
    return values


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, Settings.model_fields, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _origin(key: str, layers: list[_Layer]) -> str:
    return next((layer.origin for layer in layers if key in layer.values), "")


def _spelled(key: str, origin: str) -> str:
    """Give a key as the person wrote it."""
    return f"D365EXT_{key.upper()}" if origin in (ENVIRONMENT, "") else key


def _first_mistake(found: ValidationError, layers: list[_Layer]) -> SettingsError:
    """Name key and place of the first mistake; never its value, which may be a secret."""
    first = found.errors(include_url=False, include_input=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    origin = _origin(key, layers)
    if first["type"] == "extra_forbidden":
        return SettingsError(f"Unknown setting {key!r} on {origin}.", key=key, file=origin, hint=_nearest(key))
    said = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    wrong = said if first["type"] == "value_error" else f"it should be {said}"
    return SettingsError(f"{_spelled(key, origin)} in {origin} is wrong: {wrong}.", key=key, file=origin)


def _check_sign_in(settings: Settings, layers: list[_Layer]) -> None:
    chosen = _origin("auth", layers)
    if settings.auth is Auth.NONE and not is_loopback(settings.url):
        raise SettingsError(
            f"auth = none is for this machine alone, and {settings.url} is not.",
            key="auth",
            file=chosen,
            hint=f"Set D365EXT_AUTH to one of: {', '.join(mode for mode in Auth if mode is not Auth.NONE)}.",
        )
    for key in NEEDED[settings.auth]:
        value = getattr(settings, key)
        if not value or (isinstance(value, SecretStr) and not value.get_secret_value()):
            raise SettingsError(
                f"auth = {settings.auth} (from {chosen}) needs {key}.",
                key=key,
                file=chosen,
                hint=f"Set D365EXT_{key.upper()}.",
            )
    for key in ("certificate_path", "token_file"):
        path = getattr(settings, key)
        if key in NEEDED[settings.auth] and not path.is_file():
            origin = _origin(key, layers)
            raise SettingsError(f"{_spelled(key, origin)}: there is no file {path}.", key=key, file=origin)
