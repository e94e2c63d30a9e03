-- The statements of a ledger that all back ends take, each with a name and a sentence. Parameters are named. A back end's
-- own file (dialect.sql) holds those that it alone has, or has otherwise.

-- insert_run: A run begins; until it is staged it is as good as never begun.
INSERT INTO run (id, state, source_name, source_path, source_sha256, source_bytes, options, settings, target,
    started_at, version, "user", user_claimed, host, action, undoes)
VALUES (:id, 'staging', :source_name, :source_path, :source_sha256, :source_bytes, :options, :settings, :target,
    :started_at, :version, :user, :user_claimed, :host, :action, :undoes)
RETURNING num;

-- running: A run is being submitted.
UPDATE run SET state = 'running', ended_at = NULL, ended_turn = NULL, exit_code = NULL, stopped_by = '' WHERE num = :run;

-- keep_settings: The settings of a run, with what they were in the sessions of sending.
UPDATE run SET settings = :settings WHERE num = :run;

-- insert_event: A person changes something. An id that is known is the same event.
INSERT INTO event (id, at, kind, actor, claimed, place, run, upload, before, after, comment)
VALUES (:id, :at, :kind, :actor, :claimed, :place, :run, :upload, :before, :after, :comment)
    ON CONFLICT (id) DO NOTHING;

-- close_event: What an event that was begun came to. It is said once.
UPDATE event SET after = :after, closed = (SELECT max(num) FROM event) WHERE id = :id AND after IS NULL;

-- events: All events, in the order in which they were recorded.
SELECT * FROM event WHERE at >= :since ORDER BY num;

-- events_of_run: The events that concern a run, those of the list that it was made from included.
SELECT * FROM event WHERE at >= :since AND (run = :run
    OR (upload != '' AND upload IN (SELECT upload FROM event WHERE run = :run))) ORDER BY num;

-- reported_events: Those of them that the report of the run can know: up to the end of what last wrote it.
SELECT * FROM event WHERE num <= (SELECT max(closed) FROM event WHERE run = :run) AND (run = :run
    OR (upload != '' AND upload IN (SELECT upload FROM event WHERE run = :run))) ORDER BY num;

-- learn_limit: The API takes no more serials than this in one request of this run.
UPDATE run SET chunk_limit = :chunk_limit WHERE num = :run AND (chunk_limit IS NULL OR chunk_limit > :chunk_limit);

-- runs: All runs that exist, oldest first: by num, since an id tells no more than the second in which it was given.
SELECT * FROM run WHERE state != 'staging' ORDER BY num;

-- run_heads: What a listing shows of all runs, youngest first, without how each was read.
SELECT num, id, state, source_name, source_sha256, target, started_at, ended_at, ended_turn, exit_code, rows, "user"
    FROM run WHERE state != 'staging' ORDER BY num DESC;

-- how_far: How many runs there are, and the last turn in which one ended.
SELECT count(*) AS runs, coalesce(max(ended_turn), 0) AS turn FROM run WHERE state != 'staging';

-- runs_of_source: The runs of one list, by its checksum.
SELECT * FROM run WHERE source_sha256 = :source_sha256 AND state != 'staging' ORDER BY num;

-- gtins: Every product that any run holds.
SELECT DISTINCT gtin FROM batch;

-- fingerprints_of_product: The pieces of the fingerprint indexes that touch a range, of all runs that hold a product.
SELECT run, entries FROM fingerprint WHERE first <= :high AND last >= :low
    AND run IN (SELECT run FROM batch WHERE gtin = :gtin);

-- rejects_of_all: The rejected rows of all runs, those of the youngest first.
SELECT run, rows FROM reject ORDER BY run DESC, first_key;

-- run_by_id: One run.
SELECT * FROM run WHERE id = :id AND state != 'staging';

-- run_by_num: One run, by the number that only the ledger knows.
SELECT * FROM run WHERE num = :run;

-- unfinished_twin: The run of the same source, read in the same way, that stopped early; any sandbox is like any other.
SELECT * FROM run WHERE source_sha256 = :source_sha256 AND options = :options AND undoes = :undoes
    AND (target = :target OR (target LIKE 'sandbox/%' AND :target LIKE 'sandbox/%'))
    AND state IN ('staged', 'running', 'stopped') ORDER BY num DESC LIMIT 1;

-- half_staged: Runs whose process was killed while it staged them.
SELECT num FROM run WHERE state = 'staging';

-- forget_rows: The rows of a half-staged run's chunks.
DELETE FROM chunk_rows WHERE chunk IN (SELECT id FROM chunk WHERE run = :run);

-- forget_chunks: The chunks of a half-staged run.
DELETE FROM chunk WHERE run = :run;

-- forget_rejects: The rejects of a half-staged run.
DELETE FROM reject WHERE run = :run;

-- forget_reject_counts: The counts of a half-staged run.
DELETE FROM reject_count WHERE run = :run;

-- forget_batches: The batches of a half-staged run.
DELETE FROM batch WHERE run = :run;

-- forget_fingerprints: The fingerprints of a half-staged run.
DELETE FROM fingerprint WHERE run = :run;

-- forget_run: A half-staged run itself.
DELETE FROM run WHERE num = :run;

-- insert_batch: A pharma batch of a run.
INSERT INTO batch (run, num, gtin, batch, expiry) VALUES (:run, :num, :gtin, :batch, :expiry);

-- batches: The pharma batches of a run.
SELECT num, gtin, batch, expiry FROM batch WHERE run = :run ORDER BY num;

-- runs_of_batch: The runs that hold a product, a batch, or both; an empty one means any.
SELECT DISTINCT run FROM batch WHERE (:gtin = '' OR gtin = :gtin) AND (:batch = '' OR batch = :batch);

-- products: Which products each run against one API holds, to find those that can overlap.
SELECT DISTINCT run.num, run.id, batch.gtin FROM run JOIN batch ON batch.run = run.num
    WHERE run.state != 'staging' AND run.target = :target;

-- has_assigned: Whether an answer of an API has ever assigned a serial.
SELECT EXISTS (SELECT 1 FROM run JOIN attempt ON attempt.run = run.num
    WHERE run.target = :target AND attempt.assigned > 0) AS found;

-- active_since: The runs into the target of one run that sent something since that was staged, or may have. By the
-- ledger's own sequence: a clock can be set back.
SELECT other.num, other.id FROM run AS other JOIN run AS this ON this.num = :run
    WHERE other.num != this.num AND other.state != 'staging' AND other.target = this.target
    AND (other.ended_turn IS NULL OR other.ended_turn > this.staged_turn);

-- insert_chunk: A planned chunk, or a part of one that was cut.
INSERT INTO chunk (run, seq, root, batch, state, outcome, code, message, doubt, serials, repeats, first_key, last_key,
    attempts, asked, recorded_at)
VALUES (:run, :seq, :root, :batch, :state, :outcome, :code, :message, :doubt, :serials, :repeats, :first_key, :last_key,
    :attempts, :asked, :recorded_at)
RETURNING id;

-- insert_chunk_rows: The rows of a chunk.
INSERT INTO chunk_rows (chunk, rows) VALUES (:chunk, :rows);

-- insert_reject: Some rejected rows.
INSERT INTO reject (run, first_key, last_key, count, rows) VALUES (:run, :first_key, :last_key, :count, :rows);

-- insert_reject_count: How many rows of a batch were rejected for one reason.
INSERT INTO reject_count (run, batch, code, count) VALUES (:run, :batch, :code, :count)
    ON CONFLICT (run, batch, code) DO UPDATE SET count = reject_count.count + excluded.count;

-- insert_fingerprints: A piece of a run's fingerprint index.
INSERT INTO fingerprint (run, first, last, entries) VALUES (:run, :first, :last, :entries);

-- fingerprints: The pieces of a run's fingerprint index that touch a range.
SELECT entries FROM fingerprint WHERE run = :run AND first <= :high AND last >= :low ORDER BY first;

-- record_attempt: What came back.
UPDATE attempt SET answered_at = :at, verdict = :verdict, http_status = :http_status, error = :error,
    message = :message, assigned = :assigned, existing = :existing, digest = :digest, says = :says, seconds = :seconds
    WHERE run = :run AND chunk = :chunk AND n = :n;

-- settle: What follows for a chunk. What is settled stays so: assigned is never un-assigned.
UPDATE chunk SET state = :state, outcome = :outcome, code = :code, message = :message,
    doubt = CASE WHEN doubt > :doubt THEN doubt ELSE :doubt END, recorded_at = :at
    WHERE id = :chunk AND (state IN (0, 1) OR (state = 2 AND outcome = 'unsent'));

-- send_again: A chunk is to be sent again. What it was before a retry it stays, unless this attempt has put it in doubt.
UPDATE chunk SET state = 0, doubt = CASE WHEN doubt > :doubt THEN doubt ELSE :doubt END,
    outcome = CASE WHEN :doubt = 2 THEN '' ELSE outcome END,
    code = CASE WHEN :doubt = 2 THEN '' ELSE code END,
    message = CASE WHEN :doubt = 2 THEN '' ELSE message END, recorded_at = :at
    WHERE id = :chunk AND (state IN (0, 1) OR (state = 2 AND outcome = 'unsent'));

-- last_seq: The highest number of a chunk in a run.
SELECT coalesce(max(seq), 0) AS seq FROM chunk WHERE run = :run;

-- chunk: One chunk.
SELECT * FROM chunk WHERE id = :chunk;

-- load: One chunk with its rows, to be sent.
SELECT seq, batch, doubt, rows, (SELECT action FROM run WHERE num = chunk.run) AS action
    FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id WHERE id = :chunk;

-- chunk_rows: The rows of one chunk.
SELECT rows FROM chunk_rows WHERE chunk = :chunk;

-- to_send: The chunks that are to be sent, some at a time; the parts of one that was cut in its place.
SELECT * FROM chunk
    WHERE run = :run AND state = 0 AND (root, seq) > (:root, :seq) ORDER BY root, seq LIMIT :limit;

-- stop_product: The API doesn't know a product: what was not sent of it is skipped. So are, of the chunk that asked for
-- it, the other parts where only the whole was ever sent: whatever became of that, they end as if nothing was lost. Their
-- doubt stays with them.
UPDATE chunk SET state = 2, outcome = :outcome, code = :code, message = :message, recorded_at = :at
    WHERE run = :run AND state = 0
    AND (doubt != 2 OR (root = (SELECT root FROM chunk WHERE id = :asked)
        AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.run = :run AND attempt.chunk = chunk.id)))
    AND batch IN (SELECT num FROM batch WHERE batch.run = :run AND gtin = :gtin);

-- lost: Requests whose answers were lost with their process: in doubt, and to be sent again.
UPDATE chunk SET state = 0, doubt = 2, outcome = '', code = '', message = '' WHERE state = 1;

-- reopen: A person has looked up what became of a chunk that is unknown: it may be settled again.
UPDATE chunk SET state = 0 WHERE id = :chunk AND run = :run AND state = 2 AND outcome = 'unknown';

-- renew_chunks: A person retries a run: what was not assigned is to be sent again. What it was it stays until an answer
-- says more.
UPDATE chunk SET state = 0, doubt = CASE WHEN outcome = 'unknown' THEN 2 ELSE doubt END
    WHERE run = :run AND state = 2 AND outcome IN ('refused', 'unknown', 'unsent');

-- chunks_by_key: The chunks of a run whose rows have a fate, with their rows, in the order of the first of these.
SELECT chunk.*, chunk_rows.rows, sent.seq AS sent_as
    FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id LEFT JOIN chunk AS sent ON sent.id = chunk.asked
    WHERE chunk.run = :run AND chunk.state != 3 ORDER BY chunk.first_key;

-- problem_chunks: Chunks of a run some of whose rows are not assigned, in the order of their first rows.
SELECT * FROM chunk WHERE run = :run AND state != 3
    AND outcome NOT IN ('assigned', 'already_assigned', 'decommissioned', 'already_decommissioned')
    ORDER BY first_key LIMIT :most;

-- chunks_of_root: A planned chunk and all that was cut from it, with their rows.
SELECT chunk.*, chunk_rows.rows, sent.seq AS sent_as
    FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id LEFT JOIN chunk AS sent ON sent.id = chunk.asked
    WHERE chunk.run = :run AND chunk.root = :root AND chunk.state != 3;

-- rejects_by_key: The rejected rows of a run, in pieces that may overlap.
SELECT first_key, last_key, rows FROM reject WHERE run = :run ORDER BY first_key;

-- chunk_counts: Rows by batch and by what became of their chunk.
SELECT batch, state, outcome, code, doubt, attempts > 0 AS tried, sum(serials) AS serials, sum(repeats) AS repeats,
    count(*) AS chunks FROM chunk WHERE run = :run AND state != 3 GROUP BY batch, state, outcome, code, doubt, tried;

-- reject_counts: Rejected rows by batch and code.
SELECT batch, code, count FROM reject_count WHERE run = :run;

-- request_counts: Requests sent, and how many of them repeated an earlier one for the same chunk.
SELECT count(*) AS sent, coalesce(sum(CASE WHEN n > first THEN 1 ELSE 0 END), 0) AS retried
    FROM (SELECT n, min(n) OVER (PARTITION BY chunk) AS first FROM attempt WHERE run = :run) AS sent;

-- attempts: The requests of a run and what came back, those for one chunk one after the other.
SELECT chunk, n, sent_at, answered_at, verdict, http_status, error, message, assigned, existing, digest, says
    FROM attempt WHERE run = :run ORDER BY chunk, n;

-- claims: What the chunks of a run claim became of their rows, by the chunk in whose request they last went out.
SELECT * FROM chunk WHERE run = :run AND state != 3 ORDER BY asked, id;

-- all_runs: All that is kept of runs, to be copied, but those that are not staged yet. So are the next ones.
SELECT * FROM run WHERE state != 'staging' ORDER BY num;

-- all_events: All that is kept of events.
SELECT * FROM event ORDER BY num;

-- all_batches: All that is kept of the batches of a run.
SELECT * FROM batch WHERE run = :run ORDER BY num;

-- all_chunks: All that is kept of the chunks of a run, with their rows.
SELECT chunk.*, chunk_rows.rows FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id
    WHERE chunk.run = :run ORDER BY chunk.id;

-- all_attempts: All that is kept of the requests of a run.
SELECT * FROM attempt WHERE run = :run ORDER BY chunk, n;

-- all_rejects: All that is kept of the rejected rows of a run.
SELECT * FROM reject WHERE run = :run ORDER BY id;

-- all_reject_counts: All that is kept of their numbers.
SELECT * FROM reject_count WHERE run = :run ORDER BY batch, code;

-- all_fingerprints: All that is kept of the fingerprint index of a run.
SELECT * FROM fingerprint WHERE run = :run ORDER BY id;
