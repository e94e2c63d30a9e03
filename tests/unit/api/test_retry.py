import pytest
from saying import refused

from importer.api.gate import STOPPED
from importer.api.retry import Policy, Retrying
from importer.api.tokens import StaticTokens, Token
from importer.errors import AccessDenied
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
    """The inner commissioner, the tokens, the gate and the time: everything around a `Retrying`."""

    def __init__(
        self,
        *answers: Answer,
        policy: Policy = "replay",
        stop_after: int | None = None,
        away: bool = False,
        alone: bool = False,
        known: bool = True,
    ) -> None:
        self.answers = list(answers)
        self.sent: list[Chunk] = []
        self.slept: list[float] = []
        self.asked_for_token = 0
        self.forgotten: list[object] = []
        self.away = away
        self.alone = alone
        self.known = known
        self.outages = 0
        self._stop_after = stop_after
        self.retrying = Retrying(self, self, self, max_attempts=3, policy=policy, delay=float, stopping=self.stopping)

    async def commission(self, chunk: Chunk) -> Answer:
        self.sent.append(chunk)
        return self.answers.pop(0)

    async def pause(self, seconds: float, answer: Answer) -> None:
        assert answer is not None
        self.slept.append(seconds)

    def is_alone(self, asker: object) -> bool:
        return self.alone and asker == CHUNK.id

    def presume_away(self) -> None:
        self.away = True

    def forget(self, asker: object) -> None:
        self.forgotten.append(asker)

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
    assert (len(world.sent), world.slept, world.forgotten) == (1, [], [CHUNK.id])


async def test_what_was_not_taken_is_sent_again_after_a_growing_delay() -> None:
    world = World(BUSY, AWAY, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD
    assert (len(world.sent), world.slept) == (3, [1, 2])


async def test_what_the_api_did_not_take_is_no_attempt() -> None:
    world = World(*[BUSY, AWAY] * 20, LOST, LOST, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD


async def test_a_retry_after_is_left_to_the_gate() -> None:
    world = World(Answer(Verdict.NOT_TAKEN, http_status=429, retry_after=30), GOOD)
    await world.retrying.commission(CHUNK)
    assert world.slept == []


async def test_what_a_dead_connection_lost_is_sent_again_at_once() -> None:
    world = World(Answer(Verdict.DOUBT, error="cut", stale=True), GOOD)
    await world.retrying.commission(CHUNK)
    assert (world.slept, world.sent[1].doubt) == ([], True)


async def test_while_the_api_is_away_the_waits_are_the_gates() -> None:
    world = World(LOST, LOST, GOOD, away=True)
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


async def test_a_chunk_is_given_up_when_its_answers_were_lost_though_others_were_answered() -> None:
    world = World(LOST, BUSY, LOST, LOST)
    answer = await world.retrying.commission(CHUNK)
    assert (answer.verdict, answer.undecided, len(world.sent)) == (Verdict.DOUBT, False, 4)


async def test_answers_lost_while_the_api_is_away_do_not_count() -> None:
    world = World(*[LOST] * 20, GOOD, away=True)
    assert await world.retrying.commission(CHUNK) is GOOD


async def test_answers_lost_before_an_outage_ended_do_not_count() -> None:
    world = World(LOST, LOST, LOST, LOST, GOOD)
    history: list[int] = []

    async def pause(seconds: float, answer: Answer) -> None:
        history.append(len(world.sent))
        world.outages = 1 if len(world.sent) >= 2 else 0

    world.pause = pause  # type: ignore[method-assign]  # the outage comes and goes between two attempts
    assert await world.retrying.commission(CHUNK) is GOOD


async def test_where_no_other_chunk_was_tried_it_is_undecided() -> None:
    answer = await World(LOST, LOST, LOST, alone=True).retrying.commission(CHUNK)
    assert (answer.verdict, answer.undecided) == (Verdict.DOUBT, True)


async def test_where_no_other_chunk_can_be_tried_the_api_counts_as_away() -> None:
    world = World(*[LOST] * 10, GOOD, alone=True)
    only = Chunk(CHUNK.id, 1, CHUNK.batch, CHUNK.serials, alone=True)
    assert await world.retrying.commission(only) is GOOD
    assert world.away


async def test_a_clear_answer_after_doubt_comes_back_as_it_is() -> None:
    """Who reads it knows from the record that there was doubt."""
    assert await World(LOST, EXISTS).retrying.commission(CHUNK) is EXISTS


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
    retrying = Retrying(inner, tokens, World(), max_attempts=3, policy="replay", delay=float)
    with refused(AccessDenied, "static token"):
        await retrying.commission(CHUNK)
    assert inner.sent == 1


async def test_access_that_is_denied_is_not_asked_for_again() -> None:
    world = World(Answer(Verdict.DENIED, message="HTTP 404: there is no such address.", http_status=404))
    with refused(AccessDenied, r"HTTP 404: there is no such address\. Settle"):
        await world.retrying.commission(CHUNK)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_web_page_in_mid_run_is_an_outage_and_no_wrong_address(status: int) -> None:
    page = Answer(Verdict.DENIED, message="a page", http_status=status, page=True)
    world = World(page, page, GOOD)
    assert await world.retrying.commission(CHUNK) is GOOD


async def test_a_web_page_from_the_first_request_on_denies_access() -> None:
    page = Answer(Verdict.DENIED, message="a page", http_status=403, page=True)
    with refused(AccessDenied, "a page"):
        await World(page, known=False).retrying.commission(CHUNK)


async def test_a_redirect_that_may_come_after_the_work_stops_the_run() -> None:
    with refused(AccessDenied, "redirects"):
        await World(Answer(Verdict.DOUBT, message="redirects", http_status=303, redirected=True)).retrying.commission(
            CHUNK
        )


@pytest.mark.parametrize("last", [BUSY, LOST, TOKEN, AWAY])
async def test_after_a_stop_no_attempt_starts_and_nothing_is_given_up(last: Answer) -> None:
    world = World(last, GOOD, stop_after=1)
    answer = await world.retrying.commission(CHUNK)
    assert (answer.verdict, answer.undecided, len(world.sent)) == (Verdict.NOT_TAKEN, False, 1)


@pytest.mark.parametrize("chunk", [CHUNK, IN_DOUBT])
async def test_a_stop_while_waiting_at_the_gate_gives_nothing_up(chunk: Chunk) -> None:
    assert await World(LOST, STOPPED, stop_after=2).retrying.commission(chunk) is STOPPED


async def test_a_run_that_is_stopping_sends_nothing() -> None:
    world = World(stop_after=0)
    assert await world.retrying.commission(CHUNK) is STOPPED
    assert world.sent == []
