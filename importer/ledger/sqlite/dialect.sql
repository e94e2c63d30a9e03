-- The statements that SQLite alone has, or has in words of its own (queries.sql: those that all back ends take).

-- staged: The whole source is in the ledger: from here on the run exists.
UPDATE run SET state = 'staged', reading = :reading, notes = :notes, rows = :rows, staged_at = :at,
    staged_turn = (SELECT max(max(staged_turn), max(coalesce(ended_turn, 0))) + 1 FROM run) WHERE num = :run;

-- ended: A run ended, finished or stopped early.
UPDATE run SET state = :state, ended_at = :at, exit_code = :exit_code, stopped_by = :stopped_by,
    ended_turn = (SELECT max(max(staged_turn), max(coalesce(ended_turn, 0))) + 1 FROM run),
    seconds = seconds + :seconds WHERE num = :run;

-- mark: A request for a chunk goes out now; counted before the wire sees it. One that is settled is not sent, but for
-- one that was skipped with its product while it waited for its next attempt.
UPDATE chunk SET state = 1, attempts = attempts + 1, asked = id
    WHERE id = :chunk AND (state = 0 OR (state = 2 AND outcome = 'unsent')) RETURNING attempts;

-- insert_attempt: The request that goes out.
INSERT INTO attempt (run, chunk, n, sent_at) VALUES (:run, :chunk, :n, :at);

-- recent_pace: Serials settled in the last minutes of sending, and since when.
SELECT sum(chunk.serials) AS serials, min(attempt.sent_at) AS first_at FROM attempt JOIN chunk ON chunk.id = attempt.chunk
    WHERE attempt.run = :run AND chunk.state = 2 AND attempt.sent_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-2 minutes');

-- hold: Who holds the ledger now.
INSERT INTO holder (one, pid, host, since) VALUES (1, :pid, :host, :since)
    ON CONFLICT DO UPDATE SET pid = :pid, host = :host, since = :since;

-- holder: Who held the ledger last.
SELECT pid, host, since FROM holder;

-- Those with the checksums of blobs (checksums.py).

-- insert_chunk: A planned chunk, or a part of one that was cut.
INSERT INTO chunk (run, seq, root, batch, state, outcome, code, message, doubt, serials, repeats, first_key, last_key,
    attempts, asked, recorded_at, content)
VALUES (:run, :seq, :root, :batch, :state, :outcome, :code, :message, :doubt, :serials, :repeats, :first_key, :last_key,
    :attempts, :asked, :recorded_at, :content)
RETURNING id;

-- insert_reject: Some rejected rows.
INSERT INTO reject (run, first_key, last_key, count, content, rows)
    VALUES (:run, :first_key, :last_key, :count, :content, :rows);

-- insert_fingerprints: A piece of a run's fingerprint index.
INSERT INTO fingerprint (run, first, last, content, entries) VALUES (:run, :first, :last, :content, :entries);

-- fingerprints: The pieces of a run's fingerprint index that touch a range; not by the index, which may be damaged.
SELECT content, entries FROM fingerprint WHERE run = :run AND +first <= :high AND last >= :low ORDER BY id;

-- record_attempt: What came back.
UPDATE attempt SET answered_at = :at, verdict = :verdict, http_status = :http_status, error = :error,
    message = :message, assigned = :assigned, existing = :existing, digest = :digest, content = :content, says = :says,
    seconds = :seconds
    WHERE run = :run AND chunk = :chunk AND n = :n;

-- load: One chunk with its rows, to be sent.
SELECT seq, batch, doubt, content, rows, (SELECT action FROM run WHERE num = chunk.run) AS action
    FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id WHERE id = :chunk;

-- chunk_rows: The rows of one chunk.
SELECT content, rows FROM chunk JOIN chunk_rows ON chunk_rows.chunk = chunk.id WHERE id = :chunk;

-- rejects_by_key: The rejected rows of a run, in pieces that may overlap.
SELECT first_key, last_key, content, rows FROM reject WHERE run = :run ORDER BY first_key;

-- attempts: The requests of a run and what came back, those for one chunk one after the other.
SELECT chunk, n, sent_at, answered_at, verdict, http_status, error, message, assigned, existing, digest, content, says
    FROM attempt WHERE run = :run ORDER BY chunk, n;

-- create_progress: A new ledger: nothing was committed yet.
INSERT INTO progress (one, ledger, session, n, state) VALUES (1, :ledger, '', 0, 'closed');

-- progress: How far the ledger is.
SELECT ledger, session, n, state FROM progress;

-- committed: One commit more.
UPDATE progress SET n = :n;

-- insert_session: The ledger is opened for writing.
INSERT INTO session (token, first) VALUES (:token, :n);

-- open_session: It is being written; whatever is not told to be closed was killed.
UPDATE progress SET session = :token, state = 'open';

-- forget_sessions: Sessions so old that no anchor is at one of them.
DELETE FROM session WHERE num <= (SELECT max(num) FROM session) - 100;

-- close_session: All that was written is in the file.
UPDATE progress SET state = 'closed';

-- is_backup: This is a copy; what comes after it, it does not know.
UPDATE progress SET state = 'backup';

-- session_end: The commit with which the session after one began; null: it was the last one. No row: it is not known.
SELECT (SELECT min(later.first) FROM session AS later WHERE later.num > session.num) AS ended
    FROM session WHERE token = :token;

-- doubt_pending: Requests for chunks of a run may have been forgotten, and their answers.
UPDATE chunk SET doubt = 2, outcome = '', code = '', message = '' WHERE run = :run AND state IN (0, 1);

-- doubt_skipped: The same for those that were not sent, as far as is known.
UPDATE chunk SET doubt = 2, outcome = 'unknown', code = :code, message = ''
    WHERE run = :run AND state = 2 AND outcome = 'unsent';

-- doubt_settled: The same for those that a person may have sent again.
UPDATE chunk SET doubt = 2, outcome = 'unknown', code = :code, message = ''
    WHERE run = :run AND state = 2 AND outcome IN ('refused', 'unknown', 'unsent');

-- insert_loss: Whatever goes to a target from now on may have been sent before.
INSERT INTO loss (at, target, n) VALUES (:at, :target, :n);

-- doubt_new: What is planned for a target may have been sent there before, by a run that was forgotten.
UPDATE chunk SET doubt = 1 WHERE run = :run AND state = 0 AND doubt = 0
    AND EXISTS (SELECT 1 FROM loss JOIN run ON loss.target IN ('', run.target) WHERE run.num = :run);

-- forget_totals: The sums over what belonged to a half-staged run.
DELETE FROM total WHERE run = :run;

-- forget_attempts: The requests of a run that is removed.
DELETE FROM attempt WHERE run = :run;

-- prunable: The runs that ended before a moment and of which later lists need nothing: those into a sandbox, and those
-- that commissioned nothing and of which nothing is in doubt.
SELECT num, id AS run, source_name AS source, (SELECT coalesce(sum(length(rows)), 0) FROM chunk_rows
        WHERE chunk IN (SELECT id FROM chunk WHERE chunk.run = run.num))
        + (SELECT coalesce(sum(length(rows)), 0) FROM reject WHERE reject.run = run.num)
        + (SELECT coalesce(sum(length(entries)), 0) FROM fingerprint WHERE fingerprint.run = run.num) AS bytes
    FROM run WHERE state = 'finished' AND ended_at < :before AND (target LIKE 'sandbox/%' OR (action = 'commission'
        AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.run = run.num
            AND (outcome IN ('assigned', 'unknown') OR doubt != 0)))) ORDER BY num;
