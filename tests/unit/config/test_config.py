from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from saying import refused, said

from importer.config.loading import load
from importer.config.settings import Settings
from importer.errors import ConfigError

DEFAULT_FILE = Path(__file__).parents[3] / "config.toml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    path = Path("config.toml")
    path.write_text(text, encoding="utf-8")
    return path


def message_of(text: str = "", **environ: str) -> str:
    written(text)
    with pytest.raises(ConfigError) as caught:
        load(None, environ, {})
    return said(caught.value)


def test_the_file_in_the_repository_holds_the_defaults() -> None:
    assert load(DEFAULT_FILE, {}, {}) == Settings()


def test_the_file_in_the_repository_names_every_setting_that_is_no_secret() -> None:
    in_file = {section: set(keys) for section, keys in tomllib.loads(DEFAULT_FILE.read_text()).items()}
    assert in_file == {section: set(keys) for section, keys in Settings().public().items()}


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = Settings().public()
    assert settings["limits"] == {
        "requests_per_second": 10.0,
        "max_in_flight": 8,
        "chunk_size": 1000,
        "max_attempts": 5,
        "backoff_seconds": 0.5,
        "max_failure_percent": 20.0,
        "patience_minutes": 15.0,
        "quota_dir": None,
    }
    assert settings["input"] == {
        "gtin_check_digit": "error",
        "expired": "warn",
        "date_order": "",
        "day_00": "keep",
        "accept": [],
        "columns": {},
    }
    assert settings["unknown"] == {"policy": "replay", "exists_means": "unknown"}


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None, {}, {}) == Settings()


def test_the_command_line_wins_over_the_environment_which_wins_over_the_file() -> None:
    written("[limits]\nchunk_size = 1\nmax_in_flight = 1\nmax_attempts = 1\n")
    environ = {"IMPORTER_LIMITS__CHUNK_SIZE": "2", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "2", "PATH": "/bin"}
    overrides: dict[str, dict[str, Any]] = {"limits": {"chunk_size": 3}, "ledger": {"path": None}}
    limits = load(None, environ, overrides).limits
    assert (limits.chunk_size, limits.max_in_flight, limits.max_attempts) == (3, 2, 1)


def test_lists_and_tables_can_come_from_the_environment() -> None:
    environ = {"IMPORTER_REPORT__FORMATS": "csv, html", "IMPORTER_INPUT__COLUMNS": '{"Lot": "batch"}'}
    settings = load(None, environ, {})
    assert settings.report.formats == ("csv", "html")
    assert settings.input.columns == {"Lot": "batch"}


def test_headers_of_the_file_keep_their_spelling() -> None:
    written('[input.columns]\n"Nº de Série" = "serial"\n')
    assert load(None, {}, {}).input.columns == {"Nº de Série": "serial"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "[limits]\nchunksize = 5",
            "config.toml: there is no setting limits.chunksize. Did you mean limits.chunk_size?",
            id="misspelt_key",
        ),
        pytest.param(
            "[limit]\nchunk_size = 5",
            "config.toml: there is no section limit. Did you mean limits?",
            id="misspelt_section",
        ),
        pytest.param(
            "chunk_size = 5",
            "config.toml: there is no setting chunk_size. Did you mean limits.chunk_size?",
            id="key_outside_its_section",
        ),
        pytest.param(
            "[api]\nchunk_size = 5",
            "config.toml: there is no setting api.chunk_size. Did you mean limits.chunk_size?",
            id="key_in_another_section",
        ),
        pytest.param("api = 5", "config.toml: api is 5; expected a section, [api].", id="section_that_is_a_value"),
        pytest.param(
            '[limits]\nchunk_size = "many"',
            'config.toml: limits.chunk_size is "many"; expected a whole number.',
            id="wrong_type",
        ),
        pytest.param(
            "[limits]\nmax_in_flight = 0", "config.toml: limits.max_in_flight is 0; expected 1 or more.", id="too_small"
        ),
        pytest.param(
            "[limits]\nmax_failure_percent = 101",
            "config.toml: limits.max_failure_percent is 101; expected 100 or less.",
            id="too_large",
        ),
        pytest.param(
            "[api]\ntimeout_seconds = inf",
            "config.toml: api.timeout_seconds is Infinity; expected a number that is not infinite.",
            id="infinite",
        ),
        pytest.param(
            '[input]\nexpired = "warning"',
            "config.toml: input.expired is \"warning\"; expected 'error', 'warn' or 'off'.",
            id="no_choice",
        ),
        pytest.param(
            '[input.columns]\nLot = "bach"',
            "config.toml: input.columns, Lot is \"bach\"; expected 'serial', 'gtin', 'batch' or 'expiry'.",
            id="unknown_role",
        ),
        pytest.param(
            '[api]\nbase_url = "api.example.com"',
            'config.toml: api.base_url is "api.example.com"; expected an address such as https://api.movilitas.cloud.',
            id="address_without_scheme",
        ),
        pytest.param(
            '[api]\nbase_url = "https://me:hush@api.example.com"',
            'config.toml: api.base_url is "https://***@api.example.com"; '
            "expected an address such as https://api.movilitas.cloud.",
            id="address_with_a_password",
        ),
        pytest.param(
            '[api]\ntoken = "hush"',
            "config.toml: api.token is a secret and can't stand in this file. Set IMPORTER_API__TOKEN instead, "
            "or put it in a file of its own and name that in api.token_file.",
            id="secret",
        ),
        pytest.param(
            '[api]\nproxy = "http://me:hush@proxy:3128"',
            "config.toml: api.proxy is a secret and can't stand in this file. Set IMPORTER_API__PROXY instead.",
            id="proxy_with_a_password",
        ),
        pytest.param(
            '[api]\ntoken = hush"',
            "config.toml is no TOML: Invalid value (at line 2, column 9).",
            id="no_toml",
        ),
    ],
)
def test_a_fault_in_the_file_is_told_in_one_line(text: str, message: str) -> None:
    assert message_of(text).startswith(message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param(
            "IMPORTER_LIMITS__CHUNKSIZE",
            "5",
            "There is no setting for the environment variable IMPORTER_LIMITS__CHUNKSIZE. "
            "Did you mean IMPORTER_LIMITS__CHUNK_SIZE?",
            id="misspelt",
        ),
        pytest.param(
            "IMPORTER_TOKEN",
            "hush",
            "There is no setting for the environment variable IMPORTER_TOKEN. Did you mean IMPORTER_API__TOKEN?",
            id="without_its_section",
        ),
        pytest.param(
            "IMPORTER_LIMITS__CHUNK_SIZE",
            "many",
            'IMPORTER_LIMITS__CHUNK_SIZE is "many"; expected a whole number.',
            id="wrong_type",
        ),
        pytest.param(
            "IMPORTER_INPUT__COLUMNS",
            "Lot",
            'IMPORTER_INPUT__COLUMNS is "Lot"; expected JSON such as {"Lot": "batch"}.',
            id="no_json",
        ),
        pytest.param(
            "IMPORTER_API__TOKEN",
            "hush\nhush",
            "IMPORTER_API__TOKEN is a value that can't be shown; expected one line of ASCII characters.",
            id="secret_of_two_lines",
        ),
        pytest.param(
            "IMPORTER_API__PROXY",
            "ftp://me:hush@proxy",
            "IMPORTER_API__PROXY is a value that can't be shown; "
            "expected an address such as http://proxy.example.com:3128.",
            id="proxy_with_a_password",
        ),
        pytest.param(
            "IMPORTER_API__KEY",
            "hush",
            "api.key is set without api.secret. Set IMPORTER_API__SECRET or api.secret_file, too.",
            id="half_of_a_pair",
        ),
        pytest.param(
            "IMPORTER_API__TOKEN_FILE",
            "nowhere",
            "IMPORTER_API__TOKEN_FILE: nowhere can't be read (No such file or directory).",
            id="secret_file_that_is_not_there",
        ),
    ],
)
def test_a_fault_in_the_environment_is_told_in_one_line(name: str, value: str, message: str) -> None:
    assert message_of(**{name: value}).startswith(message)


def test_a_fault_in_an_override_is_blamed_on_the_command_line() -> None:
    with refused(ConfigError, r'^command line: limits\.chunk_size is "x"; expected a whole number\.'):
        load(None, {}, {"limits": {"chunk_size": "x"}})


def test_a_file_that_is_asked_for_must_be_there() -> None:
    with refused(ConfigError, r"^nowhere\.toml can't be read \(No such file or directory\)\. Check"):
        load(Path("nowhere.toml"), {}, {})


def test_codes_that_are_accepted_come_as_a_list(tmp_path: Path) -> None:
    settings = load(None, {"IMPORTER_INPUT__ACCEPT": "suspect_dates, suspect_zeros_lost"}, {})
    assert settings.input.accept == ("suspect_dates", "suspect_zeros_lost")


def test_a_code_that_can_t_be_accepted_names_those_that_can() -> None:
    with pytest.raises(ConfigError, match=r"INPUT__ACCEPT.*expected.*suspect_zeros_lost"):
        load(None, {"IMPORTER_INPUT__ACCEPT": "suspect_zero"}, {})


PROFILE = """[profiles.acme]
tenant = "Acme"
requests_per_second = 2
report_dir = "acme"
accept = ["suspect_dates"]
columns = { Pack = "serial" }
"""
ACME = {"IMPORTER_PROFILES__ACME__CHANNEL_KEY": "key of acme", "IMPORTER_PROFILES__ACME__TOKEN": "token of acme"}


def test_a_profile_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(PROFILE)
    dynamic = {"IMPORTER_API__KEY": "a general key", "IMPORTER_API__SECRET": "a general secret"}
    settings = load(file, {**ACME, **dynamic}, {}, "acme")
    assert settings.api.channel_key.get_secret_value() == "key of acme"
    assert (settings.api.token.get_secret_value(), settings.api.key.get_secret_value()) == ("token of acme", "")
    assert (settings.api.tenant, settings.limits.requests_per_second, settings.report.dir) == ("Acme", 2, Path("acme"))
    assert (settings.input.accept, settings.input.columns) == (("suspect_dates",), {"Pack": "serial"})
    general = load(file, {**ACME, **dynamic}, {})
    assert (general.api.tenant, general.input.accept, general.report.dir) == ("", (), Path("reports"))
    assert set(ACME.values()) < set(general.secrets())
    assert "of acme" not in str(general.public())


@pytest.mark.parametrize(
    ("text", "environ", "code"),
    [
        ('[profiles.acme]\ntoken = "a secret one"', {}, "secret_in_file"),
        ("[profiles.done]", {}, "profile_name_wrong"),
        ("[profiles.Acme]", {}, "profile_name_wrong"),
        ("[profiles.acme]\ntenannt = 'x'", {}, "setting_unknown"),
        ("[profiles.acme]\nrequests_per_second = -1", {}, "setting_wrong"),
        ("[profiles.acme]", {"IMPORTER_PROFILES__ACME__KEY": "half of them"}, "secret_missing"),
        ("[profiles.acme]", {"IMPORTER_PROFILES__ACNE__TOKEN": "a token of it"}, "variable_unknown"),
        ("[profiles.acme]\ntoken_file = 'eyJhbGciOiJIUzI1NiJ9'", {}, "path_may_be_secret"),
        ("[profiles.other]", {}, "profile_unknown"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(text: str, environ: dict[str, str], code: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ, {}, "acme")
    assert caught.value.message.code == code
