from __future__ import annotations

from pathlib import Path

import pytest
from saying import refused, said

from importer.config.fields import SECRETS
from importer.config.loading import load
from importer.config.secret_paths import open_to_others
from importer.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> None:
    Path("config.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_stand_in_a_file_of_its_own(name: str) -> None:
    Path("secret.txt").write_text("hush-hush\n")
    Path("other.txt").write_text("other-one\n")
    other = {"key": "secret", "secret": "key"}.get(name, "channel_key")
    written(f'[api]\n{name}_file = "secret.txt"\n')
    settings = load(None, {} if other == name else {f"IMPORTER_API__{other.upper()}_FILE": "other.txt"}, {})
    assert getattr(settings.api, name).get_secret_value() == "hush-hush"


def test_a_secret_of_the_environment_wins_over_its_file() -> None:
    written('[api]\ntoken_file = "nowhere"\n')
    assert load(None, {"IMPORTER_API__TOKEN": " hush-hush "}, {}).api.token.get_secret_value() == "hush-hush"


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


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhcGlfa2V5IjoiaHVzaCJ9.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("value", [JWT, PEM, "hush-secret-90c", "Zm9v/YmFy+aHVzaA==", "/aHVzaGh1c2g", "x" * 5000])
@pytest.mark.parametrize(
    "setting",
    ["API__TOKEN_FILE", "API__KEY_FILE", "API__CHANNEL_KEY_FILE", "API__CA_FILE", "WEB__TLS_KEY", "WEB__TLS_CERT"],
)
def test_a_secret_in_the_place_of_a_file_is_refused_and_not_shown(setting: str, value: str) -> None:
    with refused(ConfigError, f"^IMPORTER_{setting} is no path .* not shown") as caught:
        load(None, {f"IMPORTER_{setting}": value}, {})
    assert value[:12] not in said(caught.value)


@pytest.mark.parametrize("value", [JWT, PEM, "the-secret-of-the-api"])
@pytest.mark.parametrize("setting", ["LEDGER__PATH", "REPORT__DIR", "LIMITS__QUOTA_DIR", "WEB__USERS_FILE"])
def test_a_secret_is_no_name_for_what_the_importer_makes_either(setting: str, value: str) -> None:
    environ = {"IMPORTER_API__TOKEN": "the-secret-of-the-api", f"IMPORTER_{setting}": value}
    with refused(ConfigError, f"^IMPORTER_{setting} is no path"):
        load(None, environ, {})


@pytest.mark.parametrize("value", ["missing/token.txt", "nowhere", "./here/vendor-token", "/nonexistent/ca.pem"])
def test_the_path_of_a_file_that_is_missing_is_shown(value: str) -> None:
    Path("here").mkdir()
    with refused(ConfigError, f"IMPORTER_API__TOKEN_FILE: {value} can't be read"):
        load(None, {"IMPORTER_API__TOKEN_FILE": value}, {})


@pytest.mark.parametrize("name", ["token", "key", "secret"])
def test_a_secret_that_is_too_short_to_be_hidden_is_refused_as_such(name: str) -> None:
    environ = {"IMPORTER_API__KEY": "the-api-key", "IMPORTER_API__SECRET": "the-secret"}
    with refused(ConfigError, f"^api.{name} has fewer than 8 characters") as caught:
        load(None, {**environ, f"IMPORTER_API__{name.upper()}": "chunk"}, {})
    assert "chunk" not in said(caught.value)


def test_a_stand_in_on_this_machine_may_have_short_secrets_and_a_channel_a_short_name() -> None:
    short = {"IMPORTER_API__TOKEN": "tok-B", "IMPORTER_API__BASE_URL": "http://127.0.0.1:8080"}
    assert load(None, short, {}).api.token.get_secret_value() == "tok-B"
    assert load(None, {"IMPORTER_API__CHANNEL_KEY": "ch-1"}, {}).api.channel_key.get_secret_value() == "ch-1"


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o622, True)]
)
def test_files_of_secrets_that_others_can_read_or_change_are_known(mode: int, told: bool) -> None:
    for name in ("token.txt", "users.json", "tls.key"):
        Path(name).write_text("hush-hush")
        Path(name).chmod(mode)
    environ = {"IMPORTER_API__TOKEN_FILE": "token.txt", "IMPORTER_WEB__USERS_FILE": "users.json"}
    settings = load(None, {**environ, "IMPORTER_WEB__TLS_KEY": "tls.key"}, {})
    found = [(setting, mode) for setting, _, mode in open_to_others(settings)]
    expected = [(setting, f"{mode:04o}") for setting in ("api.token_file", "web.tls_key", "web.users_file")]
    assert found == (expected if told else [])
