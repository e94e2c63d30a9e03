import pytest
from saying import refused

from importer.api.pace import STOPPED
from importer.api.retry import Policy, Retrying
from importer.api.tokens import StaticTokens, Token
from importer.errors import AccessDenied, Unavailable
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

CHUNK = Chunk(1, 1, Batch("01234567891231", "B1", "271115"), SerialText.of(["A1"]))
IN_DOUBT = Chunk(1, 1, CHUNK.batch, CHUNK.serials, doubt=True)
GOOD = Answer(Verdict.SETTLED, assigned=frozenset({"A1"}), http_status=200)
BUSY = Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429)
LOST = Answer(Verdict.DOUBT, error="timeout", message="no answer in time")
AWAY = Answer(Verdict.NOT_TAKEN, error="not_connected", message="refused", reached=False)
EXISTS = Answer(Verdict.REFUSED, exists=True, http_status=409)
TOKEN = Answer(Verdict.TOKEN, error="AuthError", message="Failed to authenticate", http_status=401)


class World:
    """The inner commissioner, the tokens and the time: everything around a `Retrying`."""

    def __init__(self, *answers: Answer, policy: Policy = "replay", stop_after: int | None = None) -> None:
        self.answers = list(answers)
        self.sent: list[Chunk] = []
        self.slept: list[float] = []
        self.asked_for_token = 0
        self._stop_after = stop_after
        self.retrying = Retrying(
            self, self, max_attempts=3, policy=policy, delay=float, sleep=self.sleep, stopping=self.stopping
        )

    async def commission(self, chunk: Chunk) -> Answer:
        self.sent.append(chunk)
        return self.answers.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def stopping(self) -> bool:
        return self._stop_after is not None and len(self.sent) >= self._stop_after

    def current(self) -> Token | None:
        return Token("t")

    async def get(self) -> Token:
        self.asked_for_token += 1
        return Token("t")

    def refused(self, token: Token) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    "answer",
    [GOOD, EXISTS, Answer(Verdict.PRODUCT), Answer(Verdict.TOO_LARGE, limit=500)],
    ids=["settled", "refused", "product", "too-large"],
)
async def test_an_answer_that_says_something_ends_the_attempts(answer: Answer) -> None:
    world = World(answer)
    assert await world.retrying.commission(CHUNK) is answer
    assert (len(world.sent), world.slept) == (1, [])


async def test_what_was_not_taken_is_sent_again_after_a_growing_delay() -> None:
    world = World(BUSY, AWAY, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD
    assert (len(world.sent), world.slept) == (3, [1, 2])


async def test_what_was_never_taken_ends_as_not_taken() -> None:
    world = World(BUSY, AWAY, BUSY)
    answer = await world.retrying.commission(CHUNK)
    assert (answer.verdict, answer.error, len(world.sent)) == (Verdict.NOT_TAKEN, "rate_limited", 3)


async def test_nobody_sleeps_after_the_last_attempt() -> None:
    world = World(BUSY, BUSY, BUSY)
    await world.retrying.commission(CHUNK)
    assert world.slept == [1, 2]


async def test_a_retry_after_is_left_to_the_pace() -> None:
    world = World(Answer(Verdict.NOT_TAKEN, http_status=429, retry_after=30), GOOD)
    await world.retrying.commission(CHUNK)
    assert world.slept == []


async def test_a_lost_answer_is_replayed_where_the_policy_says_so() -> None:
    world = World(LOST, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD
    assert [chunk.doubt for chunk in world.sent] == [False, True]


async def test_a_lost_answer_is_held_where_the_policy_says_so() -> None:
    world = World(LOST, policy="hold")
    assert (await world.retrying.commission(CHUNK)).verdict is Verdict.DOUBT
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    ("chunk", "answers"),
    [
        pytest.param(CHUNK, (LOST, BUSY, BUSY), id="an-attempt-before-the-last"),
        pytest.param(CHUNK, (BUSY, BUSY, LOST), id="the-last"),
        pytest.param(CHUNK, (LOST, AWAY, AWAY), id="then-unreachable"),
        pytest.param(IN_DOUBT, (BUSY, BUSY, BUSY), id="before-this-call"),
    ],
)
async def test_doubt_is_sticky(chunk: Chunk, answers: tuple[Answer, ...]) -> None:
    answer = await World(*answers).retrying.commission(chunk)
    assert answer.verdict is Verdict.DOUBT


async def test_a_clear_answer_after_doubt_comes_back_as_it_is() -> None:
    """Who reads it knows from the record that there was doubt."""
    assert await World(LOST, EXISTS).retrying.commission(CHUNK) is EXISTS


async def test_an_api_that_no_attempt_could_reach_is_unavailable() -> None:
    with refused(Unavailable, r"can't be reached \(3 attempts\): refused\."):
        await World(AWAY, AWAY, AWAY).retrying.commission(CHUNK)


async def test_a_refused_token_does_not_count_as_an_attempt() -> None:
    world = World(BUSY, TOKEN, TOKEN, BUSY, TOKEN, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD
    assert world.asked_for_token == 6


async def test_tokens_refused_again_and_again_deny_access() -> None:
    world = World(TOKEN, TOKEN, TOKEN, GOOD)
    with refused(AccessDenied, "3 tokens in a row, the last with: Failed to authenticate"):
        await world.retrying.commission(CHUNK)


async def test_a_refused_static_token_denies_access_before_another_request() -> None:
    tokens = StaticTokens("static")

    class Inner:
        sent = 0

        async def commission(self, _chunk: Chunk) -> Answer:
            self.sent += 1
            tokens.refused(await tokens.get())
            return TOKEN

    inner = Inner()
    retrying = Retrying(inner, tokens, max_attempts=3, policy="replay", delay=float)
    with refused(AccessDenied, "static token"):
        await retrying.commission(CHUNK)
    assert inner.sent == 1


async def test_access_that_is_denied_is_not_asked_for_again() -> None:
    world = World(Answer(Verdict.DENIED, message="HTTP 404: there is no such address.", http_status=404))
    with refused(AccessDenied, r"HTTP 404: there is no such address\.$"):
        await world.retrying.commission(CHUNK)


async def test_after_a_stop_no_attempt_starts() -> None:
    world = World(BUSY, GOOD, stop_after=1)
    answer = await world.retrying.commission(CHUNK)
    assert (answer.verdict, answer.error, len(world.sent)) == (Verdict.NOT_TAKEN, "rate_limited", 1)


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        pytest.param(LOST, Verdict.DOUBT, id="doubt"),
        pytest.param(TOKEN, Verdict.NOT_TAKEN, id="token"),
        pytest.param(AWAY, Verdict.NOT_TAKEN, id="unreachable"),
    ],
)
async def test_a_stop_returns_what_is_known(last: Answer, verdict: Verdict) -> None:
    assert (await World(last, stop_after=1).retrying.commission(CHUNK)).verdict is verdict


async def test_a_stop_while_waiting_for_the_pace_keeps_the_answer_before() -> None:
    answer = await World(LOST, STOPPED, stop_after=2).retrying.commission(CHUNK)
    assert (answer.verdict, answer.error) == (Verdict.DOUBT, "timeout")


async def test_a_run_that_is_stopping_sends_nothing() -> None:
    world = World(stop_after=0)
    assert await world.retrying.commission(CHUNK) is not None
    assert world.sent == []
