"""Each fault that the sandbox knows, alone: what becomes of the list, and that the report tells the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from agreement import FAST, IMPATIENT, PATIENT, differences, unproven
from commands import Importer
from conftest import StartBox
from lists import BATCH, DROPS, EXPIRY, TABLETS, packs, write_csv
from readback import Report

AFTER = ("error_after", "drop_after", "truncate", "hang_after", "html_after", "garble", "unsuccessful_after")
BEFORE = ("error_before", "drop_before", "hang_before", "html_before", "unsuccessful_before")
ROWS = 12


def the_list(directory: Path) -> Path:
    """Three requests: two of the first product, one of the second."""
    return write_csv(directory / "list.csv", [*packs(8, TABLETS), *packs(4, DROPS, prefix="D")])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("any:latency=1,seconds=0.05,jitter=0.05", id="latency"),
        pytest.param("commission:429=first:3", id="429"),
        pytest.param("commission:429=at:2,retry_after=1", id="429_retry_after_seconds"),
        pytest.param("commission:429=at:2,retry_after=date:1", id="429_retry_after_date"),
        pytest.param("commission:429=at:2,retry_after=soon", id="429_retry_after_nonsense"),
        pytest.param("commission:503=first:3", id="503"),
        pytest.param("commission:503=at:2,retry_after=1", id="503_retry_after"),
        pytest.param("commission:error_before=first:3,status=504", id="504_before"),
        pytest.param("commission:error_after=first:3,status=504", id="504_after"),
        pytest.param("commission:html_before=first:3,status=200", id="page_200_before"),
        pytest.param("commission:html_after=first:3,status=200", id="page_200_after"),
        pytest.param("commission:html_before=first:3,status=503", id="page_503_before"),
        pytest.param("commission:unsuccessful_after=at:2,status=500", id="unsuccessful_500_after"),
        *(pytest.param(f"commission:{kind}=first:2", id=kind) for kind in (*BEFORE, *AFTER)),
        pytest.param("shuffle=yes", id="shuffled"),
        pytest.param("extra=3", id="extra"),
        pytest.param("max_serials=3", id="at_most_3_serials"),
        pytest.param("max_serials=1", id="at_most_1_serial"),
        pytest.param("max_serials_as=413", id="no_413"),
        pytest.param("max_bytes=150", id="413_bytes"),
        pytest.param("rate=40", id="rate_limit"),
        pytest.param("twice=error", id="twice_error_and_nothing_lost"),
        pytest.param("twice=status", id="twice_status_and_nothing_lost"),
    ],
)
def test_it_ends_with_everything_assigned(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], fault: str
) -> None:
    box = sandbox(fault)
    done = importer("run", the_list(importer.cwd), env={**box.env, **FAST, **IMPATIENT})
    assert differences(box, report()) == unproven(box, report()) == []
    assert (done.code, report().outcomes) == (0, {"assigned": ROWS}), done.err


@pytest.mark.parametrize("names", ["all", "first", "none"])
@pytest.mark.parametrize("twice", ["error", "status"])
@pytest.mark.parametrize("fault", AFTER)
def test_a_serial_whose_answer_was_lost_is_unknown_where_the_api_then_says_that_it_exists(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], fault: str, twice: str, names: str
) -> None:
    if twice == "status" and names != "all":
        pytest.skip("a status names its serial")
    box = sandbox(f"commission:{fault}=at:1", f"twice={twice}", f"names={names}")
    env = {**box.env, **FAST, **IMPATIENT, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1", **PATIENT}
    done = importer("run", the_list(importer.cwd), env=env)
    assert differences(box, report()) == unproven(box, report()) == []
    assert (done.code, report().outcomes) == (5, {"assigned": 8, "unknown": 4}), done.err
    assert {line.code for line in report().not_assigned} == {"exists_in_doubt"}


@pytest.mark.parametrize("twice", ["error", "status"])
@pytest.mark.parametrize("fault", AFTER)
def test_exists_means_assigned_where_the_configuration_says_so(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], fault: str, twice: str
) -> None:
    box = sandbox(f"commission:{fault}=at:1", f"twice={twice}")
    env = {**box.env, **FAST, **IMPATIENT, "IMPORTER_UNKNOWN__EXISTS_MEANS": "assigned"}
    done = importer("run", the_list(importer.cwd), env=env)
    assert differences(box, report()) == []
    assert (done.code, report().outcomes) == (0, {"assigned": ROWS}), done.err
    assert importer("verify", report().run, env=env).code == 0


@pytest.mark.parametrize("fault", AFTER)
def test_what_is_held_is_not_sent_again(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], fault: str
) -> None:
    box = sandbox(f"commission:{fault}=at:1")
    env = {**box.env, **FAST, **IMPATIENT, "IMPORTER_UNKNOWN__POLICY": "hold", **PATIENT}
    done = importer("run", the_list(importer.cwd), env=env)
    assert differences(box, report()) == []
    assert (done.code, report().outcomes) == (5, {"assigned": 8, "unknown": 4}), done.err
    assert {entry.received for entry in box.ledger().values()} == {1}


@pytest.mark.parametrize(
    ("options", "outcomes", "codes", "code"),
    [
        pytest.param(("poison=S00002",), {"assigned": 11, "refused": 1}, {"api_refused"}, 3, id="poison"),
        pytest.param(
            ("poison_pattern=[37]$", "names=none"),
            {"assigned": 9, "refused": 3},
            {"api_refused"},
            3,
            id="poison_unnamed",
        ),
        pytest.param(
            ("poison_pattern=[37]$", "names=first", "error_status=200"),
            {"assigned": 9, "refused": 3},
            {"api_refused"},
            3,
            id="poison_first_named_at_200",
        ),
        *(
            pytest.param(
                ("poison=S00002", f"error_shape={shape}"),
                {"assigned": 11, "refused": 1},
                {"api_refused"},
                3,
                id=f"poison_{shape}",
            )
            for shape in ("flat", "name", "type", "nested")
        ),
        pytest.param(
            ("refused=S00002", "refused=D00001"),
            {"assigned": 10, "refused": 2},
            {"status_not_assigned"},
            3,
            id="refused",
        ),
        pytest.param(
            ("missing=S00002",), {"assigned": 11, "unknown": 1}, {"answer_missing"}, 5, id="missing_and_taken"
        ),
        pytest.param(("lost=S00002",), {"assigned": 11, "unknown": 1}, {"answer_missing"}, 5, id="missing_and_lost"),
        pytest.param(
            ("contradicted=S00002",), {"assigned": 11, "unknown": 1}, {"answer_missing"}, 5, id="contradicted"
        ),
        pytest.param(
            (f"unregistered={TABLETS}",),
            {"assigned": 4, "refused": 4, "unsent": 4},
            {"product_not_registered"},
            3,
            id="unregistered",
        ),
        *(
            pytest.param(
                (f"unregistered={TABLETS}", f"error_shape={shape}", f"error_status={status}"),
                {"assigned": 4, "refused": 4, "unsent": 4},
                {"product_not_registered"},
                3,
                id=f"unregistered_{shape}_{status}",
            )
            for shape, status in (("flat", 200), ("name", 400), ("type", 422), ("nested", 404))
        ),
        pytest.param(
            (f"unregistered={TABLETS}", "max_serials=3"),
            {"assigned": 4, "refused": 2, "unsent": 6},
            {"product_not_registered"},
            3,
            id="unregistered_in_small_requests",
        ),
        *(
            pytest.param(
                (f"unregistered={TABLETS}", "max_serials=2", f"max_serials_as={size}", f"commission:{fault}=first:1"),
                {"assigned": 4, "refused": 2, "unsent": 6},
                {"product_not_registered"},
                3,
                id=f"unregistered_in_small_requests_after_{fault}_{size}",
            )
            for fault, size in (("drop_before", "validation"), ("error_before", "413"))
        ),
        pytest.param(("max_bytes=10",), {"refused": ROWS}, {"request_too_large"}, 3, id="413_for_a_single_serial"),
    ],
)
def test_only_the_serials_to_blame_are_not_assigned(
    importer: Importer,
    sandbox: StartBox,
    report: Callable[[], Report],
    options: tuple[str, ...],
    outcomes: dict[str, int],
    codes: set[str],
    code: int,
) -> None:
    box = sandbox(*options)
    env = {**box.env, **FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "3"}
    done = importer("run", the_list(importer.cwd), env=env)
    assert differences(box, report()) == unproven(box, report()) == []
    assert (done.code, report().outcomes) == (code, outcomes), done.err
    assert {line.code for line in report().not_assigned} == codes
    assert importer("verify", report().run, env=env).code == 0


@pytest.mark.parametrize("twice", ["error", "status"])
def test_without_doubt_exists_already_is_refused(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], twice: str
) -> None:
    box = sandbox(f"twice={twice}")
    env = {**box.env, **FAST, "IMPORTER_UNKNOWN__EXISTS_MEANS": "assigned"}
    elsewhere = ("--ledger", importer.cwd / "other.db", "--report-dir", importer.cwd / "others")
    part = write_csv(importer.cwd / "part.csv", packs(6, TABLETS))
    assert importer("run", part, *elsewhere, env=env).code == 0
    done = importer("run", the_list(importer.cwd), env=env)
    assert (done.code, report().outcomes) == (3, {"assigned": 6, "refused": 6}), done.err
    assert {line.code for line in report().not_assigned} == {"already_exists"}
    assert differences(box, report()) == unproven(box, report()) == []


def test_a_redirect_is_not_followed_and_stops_the_run(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:redirect=since:2,location=http://127.0.0.1:9/elsewhere")
    env = {**box.env, **FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
    done = importer("run", the_list(importer.cwd), env=env)
    assert differences(box, report()) == []
    assert (done.code, report().outcomes) == (4, {"assigned": 4, "unsent": 8}), done.err
    assert done.last_line == f"Go on with: importer resume {report().run}"
    assert "redirects to 127.0.0.1" in done.err


MIXTURE = (
    "any:latency=1,seconds=0.001,jitter=0.01",
    "commission:429=0.15,retry_after=0",
    "commission:503=0.03,retry_after=0",
    *(f"commission:{kind}=0.03" for kind in (*BEFORE, *AFTER)),
    "refused_share=0.05",
    "missing=S00011",
    "poison=S00017",
    f"unregistered={DROPS}",
    "max_serials=6",
    "shuffle=yes",
    "extra=1",
)


@pytest.mark.parametrize("seed", range(4))
def test_a_mixture_of_all_faults_ends_as_each_serial_deserves(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], seed: int
) -> None:
    box = sandbox(*MIXTURE, f"seed={seed}")
    rows = [*packs(40, TABLETS), *packs(10, TABLETS, "B2", EXPIRY, prefix="T"), *packs(10, DROPS, BATCH, prefix="D")]
    env = {
        **box.env,
        **FAST,
        **IMPATIENT,
        "IMPORTER_LIMITS__CHUNK_SIZE": "10",
        "IMPORTER_LIMITS__MAX_ATTEMPTS": "50",
        "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.001",
    }
    done = importer("run", write_csv(importer.cwd / "list.csv", rows), env=env)
    assert differences(box, report()) == unproven(box, report()) == []
    assert done.code == 5, done.err
    by_code = {code: {line.serial for line in report().not_assigned if line.code == code} for code in ("api_refused",)}
    assert by_code == {"api_refused": {"S00017"}}
    assert [line.serial for line in report().lines if line.outcome == "unknown"] == ["S00011"]
    skipped_for_product = [line for line in report().lines if line.code == "product_not_registered"]
    assert [line.serial for line in skipped_for_product] == [f"D{number:05}" for number in range(1, 11)]
    assert skipped_for_product[0].outcome == "refused"
