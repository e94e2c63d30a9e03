import pytest

from importer.sending.breaker import Breaker


def after(*chunks: tuple[int, int], percent: float = 20) -> Breaker:
    breaker = Breaker(percent)
    for serials, failed in chunks:
        breaker.note(serials, failed)
    return breaker


def test_it_says_nothing_before_twenty_chunks_are_settled() -> None:
    assert not after(*[(10, 10)] * 19).tripped
    assert after(*[(10, 10)] * 20).tripped


@pytest.mark.parametrize(("failed", "tripped"), [(20, False), (21, True)])
def test_it_weighs_serials_and_trips_above_the_percentage(failed: int, tripped: bool) -> None:
    assert after(*[(100, failed)] * 20).tripped is tripped


def test_a_small_chunk_that_failed_whole_weighs_little() -> None:
    assert not after(*[(1000, 30)] * 19, (1, 1), (1, 1)).tripped


def test_only_the_last_fifty_chunks_count() -> None:
    assert not after(*[(10, 10)] * 20, *[(10, 0)] * 50).tripped
    assert after(*[(10, 0)] * 50, *[(10, 10)] * 11).share == 22


def test_no_percentage_never_trips() -> None:
    assert not after(*[(10, 10)] * 60, percent=0).tripped
