from importer.api.gate import Wait
from importer.model import Answer, Batch, Chunk, ChunkState, Settlement, Verdict
from importer.sending.attempt import Attempt
from importer.serial_text import SerialText
from importer.web.live import Live

CHUNK = Chunk(1, 1, Batch("01234567891231", "B1", "271115"), SerialText.of(["A1"]))


def attempt(verdict: Verdict) -> Attempt:
    return Attempt(CHUNK, 1, Answer(verdict), Settlement(ChunkState.PENDING), 0)


def test_an_api_that_is_away_is_told_with_the_time_left_until_it_answers() -> None:
    moment = [100.0]
    live = Live(10, lambda: moment[0])
    live.waiting(Wait("api_away", 600, 0))
    moment[0] += 60
    live.on_attempt(attempt(Verdict.DOUBT))
    assert [(one.code, one.seconds) for one in live.slowed_by() if one.code == "api_away"] == [("api_away", 540)]
    live.on_attempt(attempt(Verdict.SETTLED))
    assert "api_away" not in {one.code for one in live.slowed_by()}
