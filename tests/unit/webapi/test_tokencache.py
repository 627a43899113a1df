"""The file in which the tokens of a person are kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from d365ext.webapi.tokencache import TokenFile


def _changed(file: TokenFile, refresh: str = "refresh-me") -> TokenFile:
    file.cache.add(
        {
            "client_id": "c",
            "scope": ["s"],
            "token_endpoint": "https://login.example/t/oauth2/v2.0/token",
            "response": {"access_token": "at", "refresh_token": refresh, "expires_in": 3600},
        }
    )
    return file


def test_what_was_saved_is_read_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tokens.json"
    _changed(TokenFile(path)).save()
    assert "refresh-me" in TokenFile(path).cache.serialize()


def test_nobody_else_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tokens.json"
    before = os.umask(0)
    try:
        _changed(TokenFile(path)).save()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_open_to_others_is_closed_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text("{}")
    path.chmod(0o644)
    _changed(TokenFile(path)).save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_written_if_nothing_changed(tmp_path: Path) -> None:
    TokenFile(tmp_path / "tokens.json").save()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_cache_means_signing_in_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tokens.json"
    path.write_text("not json")
    file = TokenFile(path)
    assert "sign in again" in caplog.text
    _changed(file).save()
    assert "refresh-me" in path.read_text()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tokens.json"
    _changed(TokenFile(path), "old-one").save()
    file = _changed(TokenFile(path), "new-one")

    def full(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        file.save()
    assert [one.name for one in tmp_path.iterdir()] == ["tokens.json"]
    assert "new-one" not in path.read_text()
