"""Settings: which source wins, and which mistake is named with key and file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from d365ext.errors import SettingsError
from d365ext.settings import SECRETS, Auth, Settings, is_loopback, load_settings
from d365ext.shipped import shipped

PRODUCTION = "https://org.crm4.dynamics.com"
APPLICATION = {"url": PRODUCTION, "auth": "client-secret", "tenant_id": "t", "client_id": "c"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the person's own, searched before the shipped one."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("D365EXT_CONFIG_DIR", str(folder))
    return folder


# ---------------------------------------------------------------- layers


def test_without_anything_the_local_dataverse_is_meant() -> None:
    settings = load_settings()
    assert (settings.url, settings.auth) == ("http://127.0.0.1:8181", Auth.NONE)
    assert settings.zone == ZoneInfo("UTC")


def test_the_command_line_wins_over_the_environment_over_the_profile_over_the_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "mine.toml").write_text(
        'url = "http://localhost:1"\nauth = "none"\npage_rows = 3\nbatch_rows = 3\nparallel = 3\n'
    )
    monkeypatch.setenv("D365EXT_BATCH_ROWS", "2")
    monkeypatch.setenv("D365EXT_PARALLEL", "2")
    settings = load_settings("mine", parallel=1, page_rows=None)
    assert (settings.parallel, settings.batch_rows, settings.page_rows) == (1, 2, 3)
    assert settings.read_timeout_s == 120.0


def test_the_profile_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365EXT_PROFILE", "nosuch")
    with pytest.raises(SettingsError, match="nosuch"):
        load_settings()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365EXT_URL", "")
    assert load_settings().url == "http://127.0.0.1:8181"


def test_production_needs_no_file_if_the_environment_holds_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {**APPLICATION, "client_secret": "hush-hush"}.items():
        monkeypatch.setenv(f"D365EXT_{key.upper()}", value)
    settings = load_settings("production")
    assert settings.url == PRODUCTION
    assert settings.client_secret is not None
    assert settings.client_secret.get_secret_value() == "hush-hush"


def test_production_without_an_address_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="D365EXT_URL") as caught:
        load_settings("production")
    assert caught.value.key == "url"
    assert "config/production.toml" in str(caught.value)


def test_a_home_folder_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(state_dir="~/x").state_dir == tmp_path / "x"


# ---------------------------------------------------------------- what is shipped


def test_the_shipped_files_hold_no_secret_and_only_known_settings() -> None:
    folder = shipped("config")
    assert {path.name for path in folder.iterdir() if path.name != "production.toml"} == {
        "default.toml",
        "local.toml",
        "production.toml.example",
    }
    for secret in SECRETS:
        for path in folder.iterdir():
            assert not [line for line in path.read_text().splitlines() if line.strip("# ").startswith(f"{secret} =")]


def test_the_example_for_production_is_complete_but_for_the_secret(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "production.toml").write_text((shipped("config") / "production.toml.example").read_text())
    with pytest.raises(SettingsError, match="D365EXT_CLIENT_SECRET"):
        load_settings("production")
    monkeypatch.setenv("D365EXT_CLIENT_SECRET", "hush-hush")
    assert load_settings("production").zone == ZoneInfo("Europe/Helsinki")


# ---------------------------------------------------------------- the address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://org.crm4.dynamics.com/", PRODUCTION),
        ("https://ORG.crm4.dynamics.com/api/data/v9.2/", PRODUCTION),
        ("https://org.crm4.dynamics.com/api/data", PRODUCTION),
        (" https://org.crm4.dynamics.com ", PRODUCTION),
        ("http://localhost:8181/api/data/v9.2", "http://localhost:8181"),
        ("http://[::1]:8181", "http://[::1]:8181"),
    ],
)
def test_an_address_is_cut_to_its_origin(given: str, kept: str) -> None:
    settings = load_settings(url=given, auth="device-code", tenant_id="t", client_id="c")
    assert settings.url == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("org.crm4.dynamics.com", "an address such as"),
        ("ftp://org.crm4.dynamics.com", "an address such as"),
        ("https://", "an address such as"),
        ("https://me:secret@org.crm4.dynamics.com", "no user name"),
        ("https://org.crm4.dynamics.com/main.aspx?appid=1", "end after the host: https://org.crm4.dynamics.com"),
        ("https://org.crm4.dynamics.com/#x", "end after the host"),
        ("https://org.crm4.dynamics.com/apiary", "end after the host"),
        ("http://org.crm4.dynamics.com", "https://"),
        ("http://127.0.0.1.evil.example", "https://"),
        ("https://org:port", "an address such as"),
    ],
)
def test_what_is_no_address_is_refused_with_key_and_place(
    given: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D365EXT_URL", given)
    with pytest.raises(SettingsError, match="D365EXT_URL in the environment is wrong") as caught:
        load_settings(auth="device-code", tenant_id="t", client_id="c")
    assert said in str(caught.value)
    assert (caught.value.key, caught.value.file) == ("url", "the environment")
    assert "me:secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost", True),
        ("http://127.8.9.1:80", True),
        ("http://[::1]/x", True),
        ("http://0.0.0.0", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


# ---------------------------------------------------------------- signing in


def test_none_is_for_this_machine_alone() -> None:
    with pytest.raises(SettingsError, match="this machine alone") as caught:
        load_settings(url=PRODUCTION)
    assert caught.value.key == "auth"
    assert caught.value.file.endswith("local.toml")
    assert "client-secret" in caught.value.hint


@pytest.mark.parametrize(
    ("auth", "given", "missing"),
    [
        ("client-secret", {}, "tenant_id"),
        ("client-secret", {"tenant_id": "t"}, "client_id"),
        ("client-secret", {"tenant_id": "t", "client_id": "c"}, "client_secret"),
        ("client-secret", {"tenant_id": "t", "client_id": "c", "client_secret": ""}, "client_secret"),
        ("certificate", {"tenant_id": "t", "client_id": "c"}, "certificate_path"),
        ("workload-identity", {"tenant_id": "t", "client_id": "c"}, "token_file"),
        ("device-code", {"tenant_id": "t"}, "client_id"),
        ("interactive", {}, "tenant_id"),
    ],
)
def test_a_missing_credential_is_named_with_the_way_to_set_it(auth: str, given: dict[str, Any], missing: str) -> None:
    with pytest.raises(SettingsError, match=f"needs {missing}") as caught:
        load_settings(url=PRODUCTION, auth=auth, **given)
    assert caught.value.key == missing
    assert f"D365EXT_{missing.upper()}" in caught.value.hint


@pytest.mark.parametrize(("auth", "key"), [("certificate", "certificate_path"), ("workload-identity", "token_file")])
def test_a_file_that_is_not_there_is_named(auth: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no file") as caught:
        load_settings(url=PRODUCTION, auth=auth, tenant_id="t", client_id="c", **{key: tmp_path / "no"})
    assert caught.value.key == key


def test_a_managed_identity_needs_no_credential() -> None:
    assert load_settings(url=PRODUCTION, auth="managed-identity").auth is Auth.MANAGED_IDENTITY


def test_a_workload_identity_takes_what_its_cluster_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    monkeypatch.setenv("AZURE_TENANT_ID", "cluster-tenant")
    monkeypatch.setenv("AZURE_CLIENT_ID", "cluster-client")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
    settings = load_settings(url=PRODUCTION, auth="workload-identity", client_id="own-client")
    assert (settings.tenant_id, settings.client_id, settings.token_file) == ("cluster-tenant", "own-client", token)


# ---------------------------------------------------------------- mistakes in files


def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known(config: Path) -> None:
    (config / "mine.toml").write_text("page_row = 3\n")
    with pytest.raises(SettingsError, match="Unknown setting 'page_row'") as caught:
        load_settings("mine")
    assert (caught.value.key, caught.value.file) == ("page_row", str(config / "mine.toml"))
    assert "Did you mean 'page_rows'?" in caught.value.hint


def test_an_unknown_key_on_the_command_line_is_named() -> None:
    with pytest.raises(SettingsError, match="'nonsense' on the command line"):
        load_settings(nonsense=1)


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('page_rows = "many"', "page_rows", "a valid integer"),
        ("page_rows = 5001", "page_rows", "less than or equal to 5000"),
        ("batch_rows = 0", "batch_rows", "greater than or equal to 1"),
        ("read_timeout_s = -1", "read_timeout_s", "greater than 0"),
        ('auth = "password"', "auth", "'none', 'client-secret'"),
        ('timezone = "Helsinki"', "timezone", "no time zone"),
        ('timezone = "../etc/passwd"', "timezone", "no time zone"),
        ('timezone = ""', "timezone", "no time zone"),
        ('memory_limit = "lots"', "memory_limit", "memory_limit"),
        ('log_level = "loud"', "log_level", "'debug'"),
        ("url = 5", "url", "valid string"),
    ],
)
def test_a_wrong_value_is_named_with_key_and_file(config: Path, line: str, key: str, said: str) -> None:
    first = "" if key == "url" else 'url = "http://localhost:1"\n'
    (config / "mine.toml").write_text(first + ("" if key == "auth" else 'auth = "none"\n') + line + "\n")
    with pytest.raises(SettingsError) as caught:
        load_settings("mine")
    assert (caught.value.key, caught.value.file) == (key, str(config / "mine.toml"))
    assert said in str(caught.value)


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_a_secret_in_a_file_is_refused_without_showing_it(config: Path, secret: str) -> None:
    (config / "mine.toml").write_text(f'{secret} = "hush-hush"\n')
    with pytest.raises(SettingsError, match="must not stand in a file") as caught:
        load_settings("mine")
    assert "hush-hush" not in str(caught.value)
    assert f"D365EXT_{secret.upper()}" in caught.value.hint


@pytest.mark.parametrize("content", [b"url = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(config: Path, content: bytes) -> None:
    (config / "mine.toml").write_bytes(content)
    with pytest.raises(SettingsError, match="is not TOML") as caught:
        load_settings("mine")
    assert caught.value.file == str(config / "mine.toml")


def test_a_file_that_cannot_be_read_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config / "mine.toml"
    file.write_text("")

    def denied(self: Path, encoding: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        load_settings("mine")
    assert stat.S_ISREG(file.stat().st_mode)


def test_an_unknown_profile_names_the_known_ones(config: Path) -> None:
    (config / "staging.toml").write_text("")
    with pytest.raises(SettingsError, match="no profile 'prodution'") as caught:
        load_settings("prodution")
    assert "local, production, staging" in caught.value.hint


@pytest.mark.parametrize("name", ["../secret", "a/b", ".hidden", "a b"])
def test_a_profile_is_a_name_and_no_path(name: str) -> None:
    with pytest.raises(SettingsError, match="no name of a profile"):
        load_settings(name)


def test_the_default_profile_alone_names_no_environment() -> None:
    with pytest.raises(SettingsError, match="No environment"):
        load_settings("default")


# ---------------------------------------------------------------- secrets


def test_secrets_are_not_shown_by_repr_or_str() -> None:
    settings = load_settings(**APPLICATION, client_secret="canary-1", certificate_password="canary-2")
    assert "canary" not in repr(settings) + str(settings) + str(settings.model_dump()) + settings.model_dump_json()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().url = "x"  # type: ignore[misc]


def test_every_setting_of_the_model_stands_in_the_default_file_unless_it_is_of_an_environment() -> None:
    written = {line.partition(" ")[0] for line in (shipped("config") / "default.toml").read_text().splitlines()}
    required = {name for name, field in Settings.model_fields.items() if field.is_required()} - {"url"}
    assert required <= written
