from __future__ import annotations

from pathlib import Path

import pytest
from saying import refused, said

from importer.config.loading import load
from importer.config.settings import SECRETS
from importer.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> None:
    Path("config.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_stand_in_a_file_of_its_own(name: str) -> None:
    Path("secret.txt").write_text("hush\n")
    Path("other.txt").write_text("other\n")
    other = {"key": "secret", "secret": "key"}.get(name, "channel_key")
    written(f'[api]\n{name}_file = "secret.txt"\n')
    settings = load(None, {} if other == name else {f"IMPORTER_API__{other.upper()}_FILE": "other.txt"}, {})
    assert getattr(settings.api, name).get_secret_value() == "hush"


def test_a_secret_of_the_environment_wins_over_its_file() -> None:
    written('[api]\ntoken_file = "nowhere"\n')
    assert load(None, {"IMPORTER_API__TOKEN": " hush "}, {}).api.token.get_secret_value() == "hush"


def test_an_empty_secret_file_is_told() -> None:
    Path("token.txt").write_text("\n")
    written('[api]\ntoken_file = "token.txt"')
    with pytest.raises(ConfigError) as caught:
        load(None, {}, {})
    assert said(caught.value) == (
        "config.toml: api.token_file: token.txt is empty; expected one line that holds the secret. "
        "Write the secret into it."
    )


def test_secrets_are_in_neither_the_public_settings_nor_what_is_printed() -> None:
    environ = {f"IMPORTER_API__{name.upper()}": f"hush-{name}" for name in SECRETS}
    settings = load(None, {**environ, "IMPORTER_API__PROXY": "http://me:hush@proxy:3128"}, {})
    assert "hush" not in str(settings.public())
    assert "hush" not in repr(settings)
    assert settings.public()["api"]["proxy"] == "http://***@proxy:3128"
    assert set(settings.secrets()) == {*environ.values(), "hush"}


def test_plain_http_to_another_machine_needs_permission() -> None:
    written('[api]\nbase_url = "http://api.example.com"')
    with refused(ConfigError, r'^config\.toml: api\.base_url is "http://.*; expected an https address'):
        load(None, {}, {})
    written('[api]\nbase_url = "http://api.example.com/"\nallow_http = true')
    assert load(None, {}, {}).api.base_url == "http://api.example.com"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"])
def test_plain_http_to_this_machine_needs_none(host: str) -> None:
    assert load(None, {}, {"api": {"base_url": f"http://{host}"}}).api.base_url == f"http://{host}"


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0"])
def test_what_only_looks_like_this_machine_needs_permission(host: str) -> None:
    with refused(ConfigError, "expected an https address"):
        load(None, {}, {"api": {"base_url": f"http://{host}"}})
