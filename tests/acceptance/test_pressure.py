"""Pace, Retry-After, circuit breaker, isolation and tokens, as the server sees them."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from agreement import FAST, differences, unproven
from commands import Importer
from conftest import StartBox
from lists import DROPS, TABLETS, packs, write_csv
from readback import Report

from importer.sandbox import Visit

ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}


def most_in_a_second(visits: Sequence[Visit]) -> int:
    """The most requests in any second, wherever it begins."""
    ticks = [visit.tick for visit in visits]
    return max(sum(begin <= tick < begin + 1 for tick in ticks) for begin in ticks)


def commissions(visits: Sequence[Visit]) -> list[Visit]:
    return [visit for visit in visits if visit.request == "commission"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("rate", [10, 40])
def test_no_second_holds_more_requests_than_are_allowed_retries_included(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], rate: int
) -> None:
    box = sandbox(
        "commission:latency=1,seconds=0.02,jitter=0.15",
        "commission:error_after=0.1",
        "commission:drop_before=0.1",
        "commission:429=0.1,retry_after=0",
    )
    env = {**box.env, **FAST, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": str(rate), "IMPORTER_LIMITS__MAX_ATTEMPTS": "20"}
    rows = write_csv(importer.cwd / "list.csv", packs(2 * 4 * rate))
    assert importer("run", rows, env=env).code == 0
    visits = commissions(box.requests())
    assert most_in_a_second(visits) <= rate
    assert len(visits) > 2 * rate
    assert max(visit.in_flight for visit in visits) > 1
    assert differences(box, report()) == unproven(box, report()) == []


@pytest.mark.parametrize("status", ["429", "503"])
@pytest.mark.parametrize("when", ["1", "date:2"])
def test_a_retry_after_holds_all_workers(importer: Importer, sandbox: StartBox, status: str, when: str) -> None:
    box = sandbox("commission:latency=1,seconds=0.02", f"commission:{status}=at:6,retry_after={when}")
    rows = write_csv(importer.cwd / "list.csv", packs(160))
    assert importer("run", rows, env={**box.env, **FAST}).code == 0
    visits = commissions(box.requests())
    held_at = next(visit.tick for visit in visits if visit.status == int(status))
    longest = max(later.tick - earlier.tick for earlier, later in pairwise(visits))
    assert longest >= 0.9
    assert all(visit.tick < held_at + 0.6 or visit.tick > held_at + 0.9 for visit in visits)


def test_between_attempts_it_waits_as_the_configuration_says(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("commission:error_before=first:2")
    env = {**box.env, **ONE, "IMPORTER_LIMITS__BACKOFF_SECONDS": "1.2"}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env).code == 0
    first, second, third = (visit.tick for visit in commissions(box.requests()))
    assert second - first >= 0.6
    assert third - second >= 1.2


def test_without_a_retry_after_429_slows_all_down_and_the_pace_recovers(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("rate=60", "rate_retry_after=none")
    env = {**box.env, **FAST, "IMPORTER_LIMITS__MAX_ATTEMPTS": "20"}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(400)), env=env).code == 0
    assert report().outcomes == {"assigned": 400}
    visits = commissions(box.requests())
    assert 0 < sum(visit.status == 429 for visit in visits) < len(visits) / 3


def test_too_many_failures_stop_the_run(importer: Importer, sandbox: StartBox, report: Callable[[], Report]) -> None:
    box = sandbox("refused_share=0.5")
    env = {**box.env, **ONE, "IMPORTER_LIMITS__MAX_FAILURE_PERCENT": "20", "IMPORTER_LIMITS__MAX_ATTEMPTS": "1"}
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(120)), env=env)
    assert (done.code, report().outcomes["unsent"]) == (4, 40), done.err
    assert done.last_line == f"Go on with: importer resume {report().run}"
    assert "limits.max_failure_percent = 20" in report().not_assigned[-1].message
    assert differences(box, report()) == []


def test_an_api_that_stays_away_leaves_everything_unsent_until_it_is_back(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    port = free_port()
    env = {
        **FAST,
        "IMPORTER_API__BASE_URL": f"http://127.0.0.1:{port}",
        "IMPORTER_API__TOKEN": "sandbox-token",
        "IMPORTER_API__CHANNEL_KEY": "sandbox-channel",
    }
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(40)), env=env)
    assert (done.code, report().outcomes) == (75, {"unsent": 40}), done.err
    assert report().summary["exit_code"] == 75
    box = sandbox(port=port)
    assert importer("resume", env=env).code == 0
    assert report().outcomes == {"assigned": 40}
    assert differences(box, report()) == []


@pytest.mark.parametrize("names", ["none", "first", "all"])
@pytest.mark.parametrize("bad", [1, 4])
def test_the_cost_of_finding_bad_serials_is_bounded(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], bad: int, names: str
) -> None:
    count = 64
    wrong = [f"S000{number:02}" for number in (5, 22, 40, 61)[:bad]]
    box = sandbox(*(f"poison={serial}" for serial in wrong), f"names={names}")
    env = {**box.env, **ONE, "IMPORTER_LIMITS__CHUNK_SIZE": str(count)}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(count)), env=env).code == 3
    assert [line.serial for line in report().not_assigned] == wrong
    visits = commissions(box.requests())
    assert len(visits) <= 2 * bad * math.log2(count / bad) + 2
    good = [entry for (_, serial), entry in box.ledger().items() if serial not in wrong]
    assert {entry.commissioned for entry in good} == {1}


@pytest.mark.parametrize("kind", ["validation", "413"])
def test_a_size_once_learned_is_kept(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], kind: str
) -> None:
    box = sandbox("max_serials=10", f"max_serials_as={kind}", "commission:redirect=at:8")
    env = {**box.env, **ONE, "IMPORTER_LIMITS__CHUNK_SIZE": "40"}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(400)), env=env).code == 4
    assert importer("resume", env=env).code == 0
    visits = commissions(box.requests())
    assert [visit.serials for visit in visits if visit.status in {400, 413}] == [40]
    assert {visit.serials for visit in visits[1:]} == {10}
    assert differences(box, report()) == unproven(box, report()) == []


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        pytest.param(("commission:revoke=at:3",), 2, id="revoked"),
        pytest.param(("commission:revoke=at:3", "token_opaque=yes"), 2, id="revoked_opaque"),
        pytest.param(("token_field=data.access_token", "revoke_after=4", "error_status=200"), 4, id="revoked_at_200"),
        pytest.param(("auth:503=first:2",), 3, id="endpoint_503"),
        pytest.param(("auth:drop_before=at:1",), 2, id="endpoint_cut"),
        pytest.param(("auth:drop_after=at:1",), 2, id="endpoint_cut_after"),
        pytest.param(("auth:html_before=at:1",), 2, id="endpoint_page"),
        pytest.param(("auth:truncate=at:1",), 2, id="endpoint_truncated"),
        pytest.param(("auth:hang_before=at:1",), 2, id="endpoint_hangs"),
        pytest.param(("auth:429=at:1,retry_after=0",), 2, id="endpoint_429"),
    ],
)
def test_a_token_is_renewed_once_for_all_workers(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], options: tuple[str, ...], tokens: int
) -> None:
    box = sandbox("commission:latency=1,seconds=0.01", *options)
    env = {**box.dynamic_env, **FAST, "IMPORTER_API__TIMEOUT_SECONDS": "1.5", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "3"}
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(48)), env=env)
    assert (done.code, report().outcomes) == (0, {"assigned": 48}), done.err
    assert sum(visit.request == "auth" for visit in box.requests()) <= tokens
    assert differences(box, report()) == unproven(box, report()) == []


@pytest.mark.parametrize("claims", ["", "token_claims=3600", "token_opaque=yes"])
def test_a_token_that_expires_in_the_middle_of_a_run_is_renewed(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], claims: str
) -> None:
    box = sandbox("commission:latency=1,seconds=0.2", "token_lifetime=1", *filter(None, [claims]))
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(40)), env={**box.dynamic_env, **ONE})
    assert (done.code, report().outcomes) == (0, {"assigned": 40}), done.err
    assert sum(visit.request == "auth" for visit in box.requests()) > 1
    assert differences(box, report()) == unproven(box, report()) == []


@pytest.mark.parametrize(
    ("options", "env", "code", "assigned"),
    [
        pytest.param(("commission:revoke=at:3",), {}, 4, 8, id="static_revoked"),
        pytest.param((), {"IMPORTER_API__TOKEN": "wrong-token"}, 4, 0, id="static_wrong"),
        pytest.param((), {"IMPORTER_API__CHANNEL_KEY": "wrong-channel"}, 4, 0, id="channel_wrong"),
    ],
)
def test_credentials_that_nothing_renews_stop_the_run(
    importer: Importer,
    sandbox: StartBox,
    report: Callable[[], Report],
    options: tuple[str, ...],
    env: dict[str, str],
    code: int,
    assigned: int,
) -> None:
    box = sandbox(*options)
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(24)), env={**box.env, **ONE, **env})
    assert done.code == code, done.err
    expected = {"assigned": assigned, "unsent": 24 - assigned}
    assert report().outcomes == {outcome: rows for outcome, rows in expected.items() if rows}
    assert differences(box, report()) == unproven(box, report()) == []


@pytest.mark.parametrize(
    ("options", "secret", "code"),
    [
        pytest.param((), "wrong-secret", 4, id="wrong_secret"),
        pytest.param(("auth:503=1",), "sandbox-secret", 75, id="endpoint_always_503"),
        pytest.param(("auth:drop_before=1",), "sandbox-secret", 75, id="endpoint_always_cut"),
        pytest.param(("auth:redirect=1,location=http://127.0.0.1:9/",), "sandbox-secret", 4, id="endpoint_redirects"),
        pytest.param(("commission:revoke=1",), "sandbox-secret", 4, id="every_token_refused"),
    ],
)
def test_without_a_token_nothing_is_sent(
    importer: Importer,
    sandbox: StartBox,
    report: Callable[[], Report],
    options: tuple[str, ...],
    secret: str,
    code: int,
) -> None:
    box = sandbox(*options)
    env = {**box.dynamic_env, **FAST, "IMPORTER_API__SECRET": secret, "IMPORTER_LIMITS__MAX_ATTEMPTS": "2"}
    rows = [*packs(8, TABLETS), *packs(4, DROPS, prefix="D")]
    done = importer("run", write_csv(importer.cwd / "list.csv", rows), env=env)
    assert (done.code, report().outcomes) == (code, {"unsent": 12}), done.err
    assert box.commissioned() == set()
