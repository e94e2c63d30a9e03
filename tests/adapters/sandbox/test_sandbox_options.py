import dataclasses
from pathlib import Path

import pytest

from importer.sandbox import Fault, Kind, On, Pick, Settings, options, parse_fault, parse_settings


def test_no_options_give_the_defaults() -> None:
    assert parse_settings([]) == Settings()


def test_each_kind_of_knob_can_be_set_by_text() -> None:
    given = ["twice=error", "rate=2.5", "burst=3", "shuffle=yes", "registered=1", "registered=2", "ledger=a b.db"]
    assert parse_settings(given) == Settings(
        twice="error",
        rate=2.5,
        burst=3,
        shuffle=True,
        registered=frozenset({"1", "2"}),
        ledger=Path("a b.db"),
    )


def test_a_fate_is_set_by_serials_pattern_and_share_together() -> None:
    given = ["refused=a,b", "refused==1+1", "refused_pattern=^X", "refused_share=0.05"]
    assert parse_settings(given) == Settings(refused=Pick(frozenset({"a,b", "=1+1"}), "^X", 0.05))


def test_options_go_on_from_the_settings_they_are_given() -> None:
    base = Settings(seed=7, faults=(Fault(Kind.GARBLE),))
    settings = parse_settings(["twice=status", "auth:503=1"], base)
    assert (settings.seed, settings.twice) == (7, "status")
    assert [fault.kind for fault in settings.faults] == [Kind.GARBLE, Kind.UNAVAILABLE]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("commission:drop_after=0.1", Fault(Kind.DROP_AFTER, probability=0.1)),
        ("auth:429=first:3,retry_after=2", Fault(Kind.TOO_MANY, On.AUTH, first=3, retry_after="2")),
        (
            "any:503=every:2,p=0.5,retry_after=date:2",
            Fault(Kind.UNAVAILABLE, On.ANY, 0.5, every=2, retry_after="date:2"),
        ),
        ("decommission:latency=1,seconds=2,jitter=0.5", Fault(Kind.LATENCY, On.DECOMMISSION, seconds=2, jitter=0.5)),
        ("commission:html_after=since:2,first:9,status=200", Fault(Kind.HTML_AFTER, since=2, first=9, status=200)),
        ("commission:garble", Fault(Kind.GARBLE)),
    ],
)
def test_a_fault_is_read_from_text(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("twise=error", "'twise=error': 'twise' is not known here; did you mean 'twice'?"),
        ("twice=maybe", "'twice=maybe': 'maybe' is not known here; expected one of assigned, error, status"),
        ("rate=fast", "'rate=fast': 'fast' is no number"),
        ("refused_share=many", "'refused_share=many': 'many' is no number"),
        ("shuffle", "'shuffle': expected NAME=VALUE or CLASS:KIND=WHEN"),
        ("commission:dropp_after=1", "did you mean 'drop_after'?"),
        ("commision:drop_after=1", "did you mean 'commission'?"),
        ("commission:drop_after=frist:1", "did you mean 'first'?"),
        ("commission:drop_after=often", "'often' is no number"),
        ("commission:drop_after=every:0", "every:N needs an N of at least 1"),
        ("faults=x", "'faults' is not known here"),
    ],
)
def test_a_wrong_option_is_an_error_that_says_what_was_expected(option: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  the message is held below
        parse_settings([option])
    assert message in str(raised.value)


def test_the_docstrings_tell_of_every_knob_and_every_fault() -> None:
    told = f"{Settings.__doc__} {options.__doc__}"
    assert [field.name for field in dataclasses.fields(Settings) if field.name not in told] == []
    assert [kind.value for kind in Kind if kind.value not in told] == []
