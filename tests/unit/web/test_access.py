from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from importer.errors import ConfigError
from importer.web.access import LONGEST, Sessions, Users

PASSWORD = "correct horse battery"


def users(directory: Path, *, named: bool = False) -> Users:
    return Users(directory / "users.json", directory / "uploads" / ".server" / "closed.json", named=named)


def test_without_users_a_page_is_open_and_with_the_first_one_it_is_closed(tmp_path: Path) -> None:
    served = users(tmp_path)
    assert not served.closed
    users(tmp_path).add("anna", PASSWORD)
    assert served.closed
    assert served.names() == ["anna"]


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"users": []}', b"\xff\xfe", b"[" * 100_000])
def test_a_file_of_users_that_is_gone_or_damaged_lets_nobody_in(tmp_path: Path, content: bytes | None) -> None:
    served = users(tmp_path)
    served.add("anna", PASSWORD)
    served.path.unlink() if content is None else served.path.write_bytes(content)
    for looks in (served, users(tmp_path)):
        assert looks.closed
        with pytest.raises(ConfigError, match=r"users\.json"):
            looks.must_open()
        with pytest.raises(ConfigError):
            looks.verify("anna", PASSWORD)


def test_a_file_without_users_lets_nobody_in(tmp_path: Path) -> None:
    served = users(tmp_path)
    served.add("anna", PASSWORD)
    served.remove("anna")
    with pytest.raises(ConfigError, match="users_none"):
        served.must_open()
    assert served.mark_of("anna") == ""
    served.add("bert", PASSWORD)
    served.must_open()


def test_a_file_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="users_file_missing"):
        users(tmp_path, named=True).must_open()


@pytest.mark.parametrize(
    "password",
    ["x" * 10, "x" * LONGEST, "Größe\u0301 der Packung", "  spaces around it  ", "日本語のパスワード。長い", "🐎" * 10],
)
def test_a_password_that_can_be_set_can_be_used_whichever_way_its_letters_are_composed(
    tmp_path: Path, password: str
) -> None:
    served = users(tmp_path)
    served.add("anna", password)
    for composed in (unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)):
        assert served.verify("anna", composed)
    assert not served.verify("anna", f"{password}x")
    assert not served.verify("bert", password)


@pytest.mark.parametrize(
    "password", ["short", "x" * (LONGEST + 1), "tab\tin the middle", "half \udcff of one", "nul\0nul nul"]
)
def test_a_password_that_could_not_be_used_can_not_be_set(tmp_path: Path, password: str) -> None:
    with pytest.raises(ConfigError):
        users(tmp_path).add("anna", password)
    assert not users(tmp_path).closed


def test_a_session_ends_with_its_time_its_idle_time_and_the_password(tmp_path: Path) -> None:
    now, marks = [0.0], {"anna": "first"}
    sessions = Sessions(tmp_path / "s.json", hours=8, idle=30, clock=lambda: now[0])
    token = sessions.begin("anna", "first")

    def who(*, active: bool = True) -> str:
        return sessions.who(token, lambda name: marks.get(name, ""), active=active)

    now[0] = 29 * 60
    assert who() == "anna"
    now[0] = 58 * 60
    assert who(active=False) == "anna"
    now[0] = 60 * 60
    assert who() == ""
    now[0] = 58 * 60
    marks["anna"] = "second"
    assert who() == ""
    marks["anna"] = "first"
    assert who() == "anna"
    marks.clear()
    assert who() == ""
    forever = Sessions(tmp_path / "t.json", hours=8, idle=0, clock=lambda: now[0])
    token = forever.begin("anna", "first")
    now[0] += 8 * 3600
    assert forever.who(token, lambda _: "first", active=True) == ""


def test_a_restart_keeps_sessions_and_a_damaged_file_of_them_ends_them(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    token = Sessions(path, 8, 30).begin("anna", "m")
    assert Sessions(path, 8, 30).who(token, lambda _: "m", active=True) == "anna"
    for content in ("", "[]", '{"a": ["anna", 1]}', "nonsense"):
        path.write_text(content)
        assert Sessions(path, 8, 30).who(token, lambda _: "m", active=True) == ""
