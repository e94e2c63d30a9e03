"""An API that is away, busy, or replaced by something else: doubt does not spread, and the last line says what came."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable

import pytest
from commands import Importer
from lists import packs, write_csv
from readback import Report
from stand_in import Answering, Reply, Request, StandIn, assigned, error, page

SMALL = {"IMPORTER_LIMITS__CHUNK_SIZE": "10", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "4"}
OUTAGES: dict[str, Answering] = {
    "502": lambda _: error("502 Bad Gateway", "down for a moment"),
    "503_page": lambda _: page("Service Unavailable", "503 Service Unavailable"),
    "cut": lambda _: None,
    "login_page": lambda _: page("Sign in"),
    "403_page": lambda _: page("Forbidden", "403 Forbidden"),
}


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_in_mid_run_costs_nothing_but_time(
    importer: Importer, report: Callable[[], Report], kind: str
) -> None:
    def answering(request: Request) -> Reply | None:
        return OUTAGES[kind](request) if began <= request.number and not over() else assigned(request)

    began = 10

    def over() -> bool:
        return bool(api.arrivals[began:]) and time.monotonic() - api.arrivals[began - 1] > 2

    with StandIn(answering) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(600)), env={**api.env, **SMALL})
    assert (done.code, report().outcomes) == (0, {"assigned": 600}), done.err
    assert len(api.requests) < 60 + 30


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_api_that_never_comes_back_puts_only_what_was_in_flight_in_doubt(
    importer: Importer, report: Callable[[], Report], kind: str
) -> None:
    def answering(request: Request) -> Reply | None:
        return OUTAGES[kind](request) if request.number >= 10 else assigned(request)

    with StandIn(answering) as api:
        env = {**api.env, **SMALL, "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.03"}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(600)), env=env)
    outcomes = report().outcomes
    assert done.code == 75, done.err
    assert outcomes["assigned"] == 90
    assert outcomes.get("unknown", 0) <= 4 * 10
    assert outcomes["unsent"] == 600 - 90 - outcomes.get("unknown", 0)
    assert done.last_line == f"Go on with: importer resume {report().run}"


def test_a_login_page_from_the_first_request_on_ends_the_run_and_is_named(
    importer: Importer, report: Callable[[], Report]
) -> None:
    rows = [row for number in range(40) for row in packs(1, batch=f"B{number}", first=number)]
    with StandIn(lambda _: page("Sign in - Company SSO")) as api:
        env = {**api.env, "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.02"}
        done = importer("run", write_csv(importer.cwd / "list.csv", rows), env=env)
    assert (done.code, report().outcomes) == (75, {"unknown": 1, "unsent": 39})
    assert 'HTTP 200, text/html: a web page, "Sign in - Company SSO"' in done.errors[-1]


@pytest.mark.parametrize(("earlier", "seconds"), [(True, 900), (False, 30)])
def test_an_api_that_has_assigned_before_is_waited_for_from_the_first_request_on(
    importer: Importer, earlier: bool, seconds: int
) -> None:
    with StandIn(assigned) as api:
        env = {**api.env, **SMALL}
        if earlier:
            importer("run", write_csv(importer.cwd / "first.csv", packs(10)), env=env)
    second = write_csv(importer.cwd / "second.csv", packs(10, first=10))
    with importer.start("run", second, env=env) as running:
        waiting = running.wait_for("waiting")
    assert waiting["cause"] == "api_away"
    assert seconds - 15 < waiting["seconds"] <= seconds


@pytest.mark.parametrize("where", ["first", "middle"])
def test_a_chunk_that_never_gets_an_answer_does_not_stop_the_others(
    importer: Importer, report: Callable[[], Report], where: str
) -> None:
    bad = "S00001" if where == "first" else "S00101"

    def answering(request: Request) -> Reply | None:
        return error("500 Internal Server Error", "oops") if bad in request.serials else assigned(request)

    with StandIn(answering) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(300)), env={**api.env, **SMALL})
    assert (done.code, report().outcomes) == (5, {"assigned": 290, "unknown": 10}), done.err


def test_where_lost_answers_are_held_an_outage_stops_the_run_at_once(
    importer: Importer, report: Callable[[], Report]
) -> None:
    def answering(request: Request) -> Reply | None:
        return None if request.number >= 10 else assigned(request)

    with StandIn(answering) as api:
        env = {**api.env, **SMALL, "IMPORTER_UNKNOWN__POLICY": "hold"}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(600)), env=env)
    assert done.code == 75, done.err
    assert report().outcomes["unknown"] <= 4 * 10


@pytest.mark.parametrize("status", ["302 Found", "303 See Other"])
def test_a_redirect_after_the_work_may_be_done_is_doubt_and_stops_the_run(
    importer: Importer, report: Callable[[], Report], status: str
) -> None:
    seen: set[str] = set()

    def answering(request: Request) -> Reply:
        new = [serial for serial in request.serials if serial not in seen]
        seen.update(new)
        if request.number == 1:
            return Reply(status, b"", {"Location": "/result"})
        return assigned(request) if new else error("409 Conflict", "exists already")

    with StandIn(answering) as api:
        path = write_csv(importer.cwd / "list.csv", packs(10))
        first = importer("run", path, env=api.env)
        outcomes = report().outcomes
        second = importer("resume", env=api.env)
    assert (first.code, outcomes) == (4, {"unknown": 10}), first.err
    assert (second.code, report().outcomes) == (5, {"unknown": 10})


@pytest.mark.parametrize("header", ["X-RateLimit-Reset", "RateLimit-Reset", "RateLimit", "Retry-After"])
def test_a_quota_whose_reset_a_header_tells_is_waited_for(
    importer: Importer, report: Callable[[], Report], header: str
) -> None:
    told: list[float] = []

    def answering(request: Request) -> Reply:
        free_at = told[0] + 6 if told else time.time() + 6
        left = free_at - time.time()
        if left <= 0:
            return assigned(request)
        told.append(time.time())
        value = {"X-RateLimit-Reset": round(free_at + 0.5), "RateLimit": f'"quota";r=0;t={round(left + 0.5)}'}
        return error("429 Too Many Requests", "quota used up", headers={header: value.get(header, round(left + 0.5))})

    with StandIn(answering) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(40)), env={**api.env, **SMALL})
    assert (done.code, report().outcomes) == (0, {"assigned": 40}), done.err
    assert len(told) == 1
    assert next(log["cause"] for log in done.logs if log["event"] == "waiting") == "retry_after"


def test_a_wait_beyond_patience_stops_the_run_and_names_the_time(
    importer: Importer, report: Callable[[], Report]
) -> None:
    with StandIn(lambda _: error("429 Too Many Requests", "come tomorrow", headers={"Retry-After": 86_400})) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(40)), env={**api.env, **SMALL})
    assert (done.code, report().outcomes, len(api.requests)) == (75, {"unsent": 40}, 1)
    assert "takes no request before" in done.errors[-1]
    assert "come tomorrow" in done.errors[-1]


def test_an_api_that_is_slower_than_configured_gets_all_of_the_list(
    importer: Importer, report: Callable[[], Report]
) -> None:
    admitted: deque[float] = deque([0.0])

    def answering(request: Request) -> Reply:
        now = time.monotonic()
        if now - admitted[-1] < 0.4:
            return error("429 Too Many Requests", "slow down", headers={"Retry-After": 1})
        admitted.append(now)
        return assigned(request)

    with StandIn(answering) as api:
        env = {**api.env, **SMALL, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "20"}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(120)), env=env)
    assert (done.code, report().outcomes) == (0, {"assigned": 120}), done.err


def test_connections_that_take_one_request_cost_two_attempts_at_most(
    importer: Importer, report: Callable[[], Report]
) -> None:
    with StandIn(lambda request: None if request.on_connection else assigned(request)) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(400)), env={**api.env, **SMALL})
    assert (done.code, report().outcomes) == (0, {"assigned": 400}), done.err
    assert len(api.requests) <= 40 + 3 + 4


def test_a_token_endpoint_that_is_busy_is_left_alone_until_it_says(
    importer: Importer, report: Callable[[], Report]
) -> None:
    def answering(request: Request) -> Reply:
        if request.path != "/v1/api_auth":
            return assigned(request)
        busy = request.seconds < 1.9
        return (
            error("429 Too Many Requests", "slow", headers={"Retry-After": 2})
            if busy
            else Reply(body=b'{"token": "token-4711"}')
        )

    with StandIn(answering) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(10)), env={**api.dynamic_env, **SMALL})
    assert (done.code, report().outcomes) == (0, {"assigned": 10}), done.err
    assert [request.path for request in api.requests].count("/v1/api_auth") == 2
    assert "token-4711" not in done.err


@pytest.mark.parametrize("token", ["ab\ncd-4711", "schön-4711"])
def test_a_token_that_can_not_be_sent_in_mid_run_claims_nothing(
    importer: Importer, report: Callable[[], Report], token: str
) -> None:
    good = "token-good-1"
    tokens = iter([good])

    def answering(request: Request) -> Reply:
        if request.path == "/v1/api_auth":
            return error_free_token(next(tokens, token))
        expired = sum(one.path != "/v1/api_auth" for one in api.requests) > 10
        return error("401 Unauthorized", "Failed to authenticate token") if expired else assigned(request)

    with StandIn(answering) as api:
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(300)), env={**api.dynamic_env, **SMALL})
    assert (done.code, report().outcomes) == (4, {"assigned": 100, "unsent": 200}), done.err
    assert "nothing was sent" not in done.err
    assert "4711" not in done.err


def error_free_token(token: str) -> Reply:
    text = token.replace("\n", "\\n")
    return Reply(body=f'{{"token": "{text}"}}'.encode())


@pytest.mark.parametrize("size", [10, 50])
def test_chunks_that_are_refused_whole_stop_the_run_after_dozens_of_requests(
    importer: Importer, report: Callable[[], Report], size: int
) -> None:
    with StandIn(lambda _: error("400 Bad Request", "The batch is closed", "ValidationError")) as api:
        env = {**api.env, "IMPORTER_LIMITS__CHUNK_SIZE": str(size)}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(40 * size)), env=env)
    outcomes = report().outcomes
    assert done.code == 4, done.err
    assert len(api.requests) <= 200
    assert outcomes["unsent"] == 40 * size - outcomes["refused"]
    assert "The batch is closed" in done.err


def test_the_breaker_judges_planned_chunks(importer: Importer, report: Callable[[], Report]) -> None:
    def answering(request: Request) -> Reply:
        bad = [serial for serial in request.serials if int(serial[1:]) % 33 == 0]
        return error("400 Bad Request", "no", "ValidationError") if bad else assigned(request)

    with StandIn(answering) as api:
        env = {**api.env, "IMPORTER_LIMITS__CHUNK_SIZE": "50", "IMPORTER_LIMITS__MAX_FAILURE_PERCENT": "20"}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(2000)), env=env)
        again = importer("retry", report().run, env=env)
    assert (done.code, report().outcomes) == (3, {"assigned": 1940, "refused": 60}), done.err
    assert again.code == 3, again.err


def most_in_a_second(arrivals: list[float], window: float) -> int:
    return max(sum(begin <= moment < begin + window for moment in arrivals) for begin in arrivals)


def test_two_imports_share_a_quota_also_while_a_commit_of_one_stalls(importer: Importer) -> None:
    quota = importer.cwd / "quota"
    with StandIn(assigned) as api:
        env = {
            **api.env,
            **SMALL,
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "10",
            "IMPORTER_LIMITS__QUOTA_DIR": str(quota),
        }
        write_csv(importer.cwd / "a.csv", packs(300))
        write_csv(importer.cwd / "b.csv", packs(300, first=1000))
        threads = [
            threading.Thread(
                target=importer,
                args=("run", f"{name}.csv", "--ledger", f"{name}.db"),
                kwargs={"env": {**env, "TMPDIR": os.fspath(importer.cwd)}},
            )
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        while len(api.requests) < 10:
            time.sleep(0.05)
        stalled = sqlite3.connect(importer.cwd / "a.db", isolation_level=None)
        stalled.execute("BEGIN IMMEDIATE")
        time.sleep(1.5)
        stalled.execute("ROLLBACK")
        stalled.close()
        for thread in threads:
            thread.join()
    assert len(api.requests) == 60
    # 0.9 s: a busy machine may hand an arrival over up to 100 ms late.
    assert most_in_a_second(api.arrivals, 0.9) <= 10
    assert api.arrivals[-1] - api.arrivals[0] < 59 / 9.8 * 1.3 + 1


def test_a_quota_that_can_not_be_shared_is_said(importer: Importer) -> None:
    blocked = importer.cwd / "file"
    blocked.write_text("no directory")
    with StandIn(assigned) as api:
        env = {**api.env, "IMPORTER_LIMITS__QUOTA_DIR": str(blocked / "below")}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env)
    assert done.code == 0
    assert [log["setting"] for log in done.logs if log["event"] == "quota_not_shared"] == ["limits.quota_dir"]


@pytest.mark.parametrize("exists_means", ["unknown", "assigned"])
def test_what_was_found_by_bisection_with_an_answer_lost_on_the_way_is_proven(
    importer: Importer, report: Callable[[], Report], exists_means: str
) -> None:
    taken: set[str] = set()
    lost: list[int] = []

    def answering(request: Request) -> Reply | None:
        if any(int(serial[1:]) % 83 == 0 for serial in request.serials):
            return error("400 Bad Request", "no", "ValidationError")
        known = taken.intersection(request.serials)
        taken.update(request.serials)
        if request.number >= 30 and len(request.serials) > 1 and not lost:
            lost.append(request.number)
            return None
        return error("409 Conflict", "exists already", "ValidationError") if known else assigned(request)

    with StandIn(answering) as api:
        env = {**api.env, "IMPORTER_LIMITS__CHUNK_SIZE": "250", "IMPORTER_UNKNOWN__EXISTS_MEANS": exists_means}
        env["IMPORTER_LIMITS__MAX_IN_FLIGHT"] = "1"
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(1000)), env=env)
        verified = importer("verify", report().run, env=env)
    outcomes = report().outcomes
    assert outcomes["refused"] == 12
    assert outcomes["assigned"] + outcomes.get("unknown", 0) == 988
    assert done.code == (3 if exists_means == "assigned" else 5), done.err
    assert verified.code == 0, verified.out


@pytest.mark.parametrize("resumed", [False, True])
def test_that_all_parts_of_a_chunk_exist_after_a_lost_answer_is_no_fault_of_the_data(
    importer: Importer, report: Callable[[], Report], resumed: bool
) -> None:
    taken: set[str] = set()
    away = resumed

    def answering(request: Request) -> Reply | None:
        new = taken.isdisjoint(request.serials)
        taken.update(request.serials)
        if new or away:
            return None
        return error("400 Bad Request", "A serial already exists", "ValidationError")

    with StandIn(answering) as api:
        env = {**api.env, "IMPORTER_LIMITS__CHUNK_SIZE": "64", "IMPORTER_UNKNOWN__EXISTS_MEANS": "assigned"}
        short = {"IMPORTER_LIMITS__PATIENCE_MINUTES": "0.02"} if resumed else {}
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(64)), env={**env, **short})
        if resumed:
            away = False
            assert done.code == 75, done.err
            done = importer("resume", report().run, env=env)
    assert (done.code, report().outcomes) == (0, {"assigned": 64}), done.err
