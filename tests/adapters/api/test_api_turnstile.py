from pathlib import Path

import pytest

from importer.api.turnstile import OwnTurnstile, SharedTurnstile, Turnstile

HOUR = 3600.0


@pytest.fixture(params=["own", "shared"])
def turnstile(request: pytest.FixtureRequest, tmp_path: Path) -> Turnstile:
    return OwnTurnstile(0.0) if request.param == "own" else SharedTurnstile(tmp_path / "q" / "a.pace", HOUR)


def test_whoever_comes_too_early_learns_when_to_come_again(turnstile: Turnstile) -> None:
    assert turnstile.take(100.0, 0.5, 0.01) is None
    again = turnstile.take(100.1, 0.5, 0.01)
    assert again == pytest.approx(100.49)
    assert turnstile.take(again or 0.0, 0.5, 0.01) is None


def test_lateness_is_caught_up_to_the_tolerance_only(turnstile: Turnstile) -> None:
    assert turnstile.take(100.0, 1.0, 0.01) is None
    assert turnstile.take(105.0, 1.0, 0.01) is None
    assert turnstile.take(105.5, 1.0, 0.01) == pytest.approx(105.99)


def test_a_hold_holds_and_a_shorter_one_does_not_end_it(turnstile: Turnstile) -> None:
    turnstile.hold(130.0)
    turnstile.hold(110.0)
    assert turnstile.take(100.0, 1.0, 0.01) == 130.0


def test_two_processes_share_one_pace(tmp_path: Path) -> None:
    one, other = (SharedTurnstile(tmp_path / "q" / "a.pace", HOUR) for _ in range(2))
    assert one.take(100.0, 1.0, 0.0) is None
    assert other.take(100.5, 1.0, 0.0) == pytest.approx(101.0)
    other.hold(150.0)
    assert one.take(120.0, 1.0, 0.0) == 150.0


def test_after_a_restart_of_the_host_nobody_waits_for_the_old_clock(tmp_path: Path) -> None:
    SharedTurnstile(tmp_path / "q" / "a.pace", HOUR).hold(9_000_000.0)
    assert SharedTurnstile(tmp_path / "q" / "a.pace", HOUR).take(10.0, 1.0, 0.0) is None


def test_the_file_is_its_owners_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "q" / "a.pace"
    SharedTurnstile(path, HOUR)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    link = path.with_name("b.pace")
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        SharedTurnstile(link, HOUR)
