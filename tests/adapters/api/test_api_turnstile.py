import fcntl
from pathlib import Path

import pytest

from importer.api.turnstile import OwnTurnstile, SharedTurnstile, Turnstile, shared_by, state_directory


@pytest.fixture(params=["own", "shared"])
def turnstile(request: pytest.FixtureRequest, tmp_path: Path) -> Turnstile:
    return OwnTurnstile(0.0) if request.param == "own" else SharedTurnstile(tmp_path / "q" / "a.pace")


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
    turnstile.hold(100.0, 130.0)
    turnstile.hold(100.0, 110.0)
    assert turnstile.take(100.0, 1.0, 0.01) == 130.0


def test_two_processes_share_one_pace(tmp_path: Path) -> None:
    one, other = (SharedTurnstile(tmp_path / "q" / "a.pace") for _ in range(2))
    assert one.take(100.0, 1.0, 0.0) is None
    assert other.take(100.5, 1.0, 0.0) == pytest.approx(101.0)
    other.hold(100.5, 150.0)
    assert one.take(120.0, 1.0, 0.0) == 150.0


def test_after_a_restart_of_the_host_no_request_waits_for_the_old_clock(tmp_path: Path) -> None:
    SharedTurnstile(tmp_path / "q" / "a.pace").hold(9_000_000.0, 9_000_600.0)
    assert SharedTurnstile(tmp_path / "q" / "a.pace").take(10.0, 1.0, 0.0) is None


def test_the_file_is_its_owners_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "q" / "a.pace"
    SharedTurnstile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    link = path.with_name("b.pace")
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        SharedTurnstile(link)


def test_a_turnstile_that_is_busy_with_another_process_does_not_stop_this_one(tmp_path: Path) -> None:
    path = tmp_path / "q" / "a.pace"
    with SharedTurnstile(path) as turnstile, path.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        again = turnstile.take(100.0, 1.0, 0.0)
        assert again is not None
        assert 100.0 < again < 100.1
        fcntl.flock(other, fcntl.LOCK_UN)
        assert turnstile.take(again, 1.0, 0.0) is None


def test_a_turnstile_gives_its_handle_back(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        with SharedTurnstile(tmp_path / "q" / "a.pace"):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_directory_for_several_users_makes_a_file_that_they_can_write(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with shared_by("https://api", "channel", directory=shared):
        (file,) = shared.iterdir()
        assert file.stat().st_mode & 0o777 == 0o666


def test_what_shares_a_quota_is_told_by_address_and_channel(tmp_path: Path) -> None:
    for names in (("https://api", "a"), ("https://api", "a"), ("https://api", "b"), ("https://apia", "")):
        with shared_by(*names, directory=tmp_path):
            pass
    assert len(list(tmp_path.iterdir())) == 3


def test_the_place_of_a_user_does_not_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    place = state_directory()
    for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "USER"):
        monkeypatch.setenv(name, "/nonexistent")
    assert state_directory() == place
