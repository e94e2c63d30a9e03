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
