-- The statements that PostgreSQL alone has, or has in words of its own (../queries.sql: those that all back ends take).
-- A statement that is part of a group gets its answer with all others of it: what has to hold is checked by the server.

-- insert_run: A run begins; until it is staged it is as good as never begun. From here on it counts as what other runs,
-- which may end at any moment, have not been looked at by.
INSERT INTO run (num, id, state, source_name, source_path, source_sha256, source_bytes, options, settings, target,
    started_at, version, "user", user_claimed, host, action, undoes, staged_turn)
VALUES (:num, :id, 'staging', :source_name, :source_path, :source_sha256, :source_bytes, :options, :settings, :target,
    :started_at, :version, :user, :user_claimed, :host, :action, :undoes, nextval('turn'));

-- staged: The whole source is in the ledger: from here on the run exists.
UPDATE run SET state = 'staged', reading = :reading, notes = :notes, rows = :rows, staged_at = stamp() WHERE num = :run;

-- ended: A run ended, finished or stopped early.
UPDATE run SET state = :state, ended_at = stamp(), exit_code = :exit_code, stopped_by = :stopped_by,
    ended_turn = nextval('turn'), seconds = seconds + :seconds WHERE num = :run;

-- mark: A request for a chunk goes out now; counted before the wire sees it. One that is settled is not sent, but for
-- one that was skipped with its product while it waited for its next attempt.
WITH marked AS (UPDATE chunk SET state = 1, attempts = attempts + 1, asked = id
        WHERE id = :chunk AND (state = 0 OR (state = 2 AND outcome = 'unsent')) RETURNING attempts),
    noted AS (INSERT INTO attempt (run, chunk, n, sent_at) SELECT :run, :chunk, attempts, stamp() FROM marked RETURNING n)
SELECT must(count(*) = 1, 'chunk_not_to_be_sent', json_build_object('chunk', (:chunk)::text)), max(n) AS n FROM noted;

-- marked: The number of the last attempt for a chunk.
SELECT attempts AS n FROM chunk WHERE id = :chunk;

-- record_attempt: What came back.
WITH recorded AS (UPDATE attempt SET answered_at = stamp(), verdict = :verdict, http_status = :http_status,
        error = :error, message = :message, assigned = :assigned, existing = :existing, digest = :digest, says = :says,
        seconds = :seconds
    WHERE run = :run AND chunk = :chunk AND n = :n RETURNING 1)
SELECT must(count(*) = 1, 'chunk_without_attempt',
    json_build_object('chunk', (:chunk)::text, 'attempt', (:n)::text)) FROM recorded;

-- settle: What follows for a chunk. What is settled stays so: assigned is never un-assigned.
WITH settled AS (UPDATE chunk SET state = :state, outcome = :outcome, code = :code, message = :message,
        doubt = greatest(doubt, :doubt), recorded_at = stamp()
    WHERE id = :chunk AND (state IN (0, 1) OR (state = 2 AND outcome = 'unsent')) RETURNING 1)
SELECT must(count(*) = 1, 'chunk_is_settled',
    json_build_object('chunk', (:chunk)::text, 'state', (:name)::text)) FROM settled;

-- send_again: A chunk is to be sent again. What it was before a retry it stays, unless this attempt has put it in doubt.
WITH pending AS (UPDATE chunk SET state = 0, doubt = greatest(doubt, :doubt), recorded_at = stamp(),
        outcome = CASE WHEN :doubt = 2 THEN '' ELSE outcome END, code = CASE WHEN :doubt = 2 THEN '' ELSE code END,
        message = CASE WHEN :doubt = 2 THEN '' ELSE message END
    WHERE id = :chunk AND (state IN (0, 1) OR (state = 2 AND outcome = 'unsent')) RETURNING 1)
SELECT must(count(*) = 1, 'chunk_is_settled',
    json_build_object('chunk', (:chunk)::text, 'state', (:name)::text)) FROM pending;

-- cut: The parts of a chunk, which is as it was before it is settled as cut. A part without a fate is to be sent.
WITH before AS (SELECT * FROM chunk WHERE id = :chunk),
    last AS (SELECT coalesce(max(seq), 0) AS seq FROM chunk WHERE run = (SELECT run FROM before)),
    part AS (SELECT * FROM unnest((:ids)::bigint[], (:ended)::boolean[], (:outcomes)::text[], (:codes)::text[],
            (:messages)::text[], (:doubts)::bigint[], (:serials)::bigint[], (:repeats)::bigint[], (:first_keys)::bigint[],
            (:last_keys)::bigint[], (:rows)::bytea[]) WITH ORDINALITY
        AS part (id, ended, outcome, code, message, doubt, serials, repeats, first_key, last_key, rows, place)),
    made AS (INSERT INTO chunk (id, run, seq, root, batch, state, outcome, code, message, doubt, serials, repeats,
            first_key, last_key, attempts, asked, recorded_at)
        SELECT part.id, before.run, last.seq + place, before.root, before.batch, CASE WHEN ended THEN 2 ELSE 0 END,
            CASE WHEN ended THEN part.outcome ELSE before.outcome END,
            CASE WHEN ended THEN part.code ELSE before.code END,
            CASE WHEN ended THEN part.message ELSE before.message END,
            greatest(part.doubt, before.doubt), part.serials, part.repeats, part.first_key, part.last_key,
            before.attempts, before.asked, CASE WHEN ended THEN stamp() ELSE before.recorded_at END
        FROM part, before, last)
INSERT INTO chunk_rows (chunk, rows) SELECT id, rows FROM part;

-- stop_product: The API doesn't know a product: what was not sent of it is skipped. So are, of the chunk that asked for
-- it, the other parts where only the whole was ever sent: whatever became of that, they end as if nothing was lost. Their
-- doubt stays with them.
UPDATE chunk SET state = 2, outcome = :outcome, code = :code, message = :message, recorded_at = stamp()
    WHERE run = :run AND state = 0
    AND (doubt != 2 OR (root = (SELECT root FROM chunk WHERE id = :asked)
        AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.run = :run AND attempt.chunk = chunk.id)))
    AND batch IN (SELECT num FROM batch WHERE batch.run = :run AND gtin = :gtin);

-- lost: Requests into a target whose answers were lost with the process that sent them: in doubt, and to be sent again.
UPDATE chunk SET state = 0, doubt = 2, outcome = '', code = '', message = ''
    WHERE state = 1 AND run IN (SELECT num FROM run WHERE target = :target);

-- renewed: How many chunks of a run are to be sent.
SELECT count(*) AS n FROM chunk WHERE run = :run AND state = 0;

-- load_ahead: One chunk with its rows, to be sent, and those that come after it.
(SELECT chunk.id, seq, batch, doubt, rows, (SELECT action FROM run WHERE num = chunk.run) AS action
    FROM chunk LEFT JOIN chunk_rows ON chunk_rows.chunk = chunk.id WHERE chunk.id = :chunk)
UNION ALL
(SELECT next.id, next.seq, next.batch, next.doubt, rows, (SELECT action FROM run WHERE num = next.run)
    FROM chunk AS this
    JOIN chunk AS next ON next.run = this.run AND next.state = 0 AND (next.root, next.seq) > (this.root, this.seq)
    JOIN chunk_rows ON chunk_rows.chunk = next.id
    WHERE this.id = :chunk ORDER BY next.root, next.seq LIMIT :more);

-- recent_pace: Serials settled in the last minutes of sending, and since when.
SELECT sum(chunk.serials) AS serials, min(attempt.sent_at) AS first_at FROM attempt JOIN chunk ON chunk.id = attempt.chunk
    WHERE attempt.run = :run AND chunk.state = 2
    AND attempt.sent_at > to_char((now() - interval '2 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');

-- run_nums: Numbers for new runs.
SELECT nextval('run_num') AS num;

-- chunk_ids: Numbers for new chunks.
SELECT nextval('chunk_id') AS id FROM generate_series(1, :count);

-- done: The last group of writes of a process.
INSERT INTO writer (id, done, pid, host, since) VALUES (:writer, :number, :pid, :host, stamp())
    ON CONFLICT (id) DO UPDATE SET done = excluded.done;

-- last_done: The number of that group.
SELECT done FROM writer WHERE id = :writer;

-- forget_writer: A process writes no more.
DELETE FROM writer WHERE id = :writer;

-- taken: A process begins to send into a target.
INSERT INTO sender (target, taken, pid, host, since) VALUES (:target, 1, :pid, :host, stamp())
    ON CONFLICT (target) DO UPDATE SET taken = sender.taken + 1, pid = excluded.pid, host = excluded.host,
    since = excluded.since RETURNING taken;

-- sender: Who sends into a target, or did last.
SELECT taken, pid, host, since FROM sender WHERE target = :target;

-- try_lock: Whether this session holds a lock from here on that no other session has.
SELECT pg_try_advisory_lock(hashtextextended(:name, 0)) AS held;

-- lock: Wait for it.
SELECT pg_advisory_lock(hashtextextended(:name, 0));

-- unlock: Give it free.
SELECT pg_advisory_unlock(hashtextextended(:name, 0));

-- fence: Refuse what follows where the lease of a channel is another one's by now (lease.sql).
SELECT lease_fence(:channel, :token);

-- end_backend: End the backend of this process's connection that was lost: it may still hold locks, or be writing.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = :pid AND application_name = :application AND pid != pg_backend_pid();

-- lock_for_now: Wait for a lock that the transaction's end gives free.
SELECT pg_advisory_xact_lock(hashtextextended(:name, 0));

-- lock_shared: Wait for one that others may share.
SELECT pg_advisory_lock_shared(hashtextextended(:name, 0));

-- unlock_shared: Give that free.
SELECT pg_advisory_unlock_shared(hashtextextended(:name, 0));

-- there: Whether the ledger's schema stands in the database, or one of its name that is another's.
SELECT to_regclass('importer.facts') IS NOT NULL AS ours,
    EXISTS (SELECT FROM pg_tables WHERE schemaname = :schema) AS others;

-- undo: Fail, so that nothing of the group takes place.
SELECT must(false, 'ledger_fault', '{}');

-- queue: Hand a run to the workers of a channel, or note that a channel sends it now.
INSERT INTO queued (run, channel, waits, urgent, since) VALUES (:run, :channel, :waits, :urgent, lease_now())
    ON CONFLICT (run) DO UPDATE SET channel = excluded.channel, waits = queued.waits OR excluded.waits,
    urgent = excluded.urgent, not_before = '-infinity';

-- next_queued: The run of a channel whose turn it is: urgent ones first, of equals the one that has waited longest.
SELECT queued.run, urgent FROM queued JOIN run ON run.num = queued.run
    WHERE channel = :channel AND waits AND not_before <= lease_now() AND run.state != 'staging'
    ORDER BY urgent DESC, coalesce(served_at, since), queued.run LIMIT 1;

-- count_queued: How many runs of a channel wait, those that are to be tried again later included.
SELECT count(*) AS n FROM queued WHERE channel = :channel AND waits;

-- served: A turn of a run is over; it waits for the next one, where it is to.
UPDATE queued SET served_at = lease_now(), waits = :waits, not_before = lease_now() + make_interval(secs => :later)
    WHERE run = :run;

-- lost_of_channel: Requests of a channel whose answers were lost with an earlier owner: in doubt, and to be sent again.
UPDATE chunk SET state = 0, doubt = 2, outcome = '', code = '', message = ''
    WHERE state = 1 AND run IN (SELECT run FROM queued WHERE channel = :channel);

-- claim: Make all products of a run this channel's alone; how many chunks are in doubt by that, NULL: another's they are.
SELECT lease_claim(:channel, :token, :run) AS lost;

-- unclaim: They are others' to claim again.
DELETE FROM claim WHERE channel = :channel AND owner = :owner;

-- owner_of: Who sends for a channel, since when and until when at least.
SELECT owner, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since, expires_at::text AS until FROM lease
    WHERE channel = :channel AND owner != '' AND expires_at >= lease_now();

-- queue_of: Where a run stands with the workers: who sends for its channel, and how many go before it.
SELECT queued.channel, queued.waits, queued.urgent, to_char(queued.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    AS since, coalesce(CASE WHEN lease.expires_at >= lease_now() THEN lease.owner END, '') AS owner,
    to_char(lease.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS owner_since,
    (SELECT count(*) FROM queued AS other WHERE other.channel = queued.channel AND other.waits AND other.run != queued.run
        AND (other.urgent > queued.urgent OR (other.urgent = queued.urgent AND
        coalesce(other.served_at, other.since) < coalesce(queued.served_at, queued.since)))) AS ahead
    FROM queued LEFT JOIN lease ON lease.channel = queued.channel WHERE queued.run = :run;

-- writers: The processes that hold the ledger open to write, as far as their sessions live.
SELECT writer.pid, writer.host, writer.since FROM writer
    JOIN pg_stat_activity AS session ON session.application_name = 'importer ' || writer.id
    WHERE session.datname = current_database() ORDER BY writer.since;

-- columns: The columns of a table, in their order, with their types.
SELECT column_name AS name, data_type AS type FROM information_schema.columns
    WHERE table_schema = :schema AND table_name = :table ORDER BY ordinal_position;

-- holds_anything: Whether the ledger has runs or events.
SELECT EXISTS (SELECT FROM run) OR EXISTS (SELECT FROM event) AS found;

-- count_on: Let what counts go on behind what was copied.
SELECT setval('run_num', greatest((SELECT max(num) FROM run), 1)),
    setval('chunk_id', greatest((SELECT max(id) FROM chunk), 1)),
    setval('turn', greatest((SELECT max(staged_turn) FROM run), (SELECT max(ended_turn) FROM run), 1)),
    setval(pg_get_serial_sequence('event', 'num'), greatest((SELECT max(num) FROM event), 1)),
    setval(pg_get_serial_sequence('reject', 'id'), greatest((SELECT max(id) FROM reject), 1)),
    setval(pg_get_serial_sequence('fingerprint', 'id'), greatest((SELECT max(id) FROM fingerprint), 1));

-- migrated: The schema has another version; importers that know the one before may go on.
UPDATE facts SET version = :version, oldest = :oldest;

-- same_server: Whether the server is the one that the ledger was written on last; the first one is.
WITH made AS (INSERT INTO server (identity) SELECT server_identity() ON CONFLICT DO NOTHING RETURNING identity)
SELECT coalesce((SELECT identity FROM server), (SELECT identity FROM made)) = server_identity() AS same;

-- accept_server: It is this one from here on.
INSERT INTO server (identity) VALUES (server_identity()) ON CONFLICT (one) DO UPDATE SET identity = excluded.identity;

-- owners: Channels for which a process sends now.
SELECT channel, owner FROM lease WHERE owner != '' AND expires_at >= lease_now();

-- doubt_open: Requests for what is open may have been sent and forgotten.
UPDATE chunk SET state = 0, doubt = 2, outcome = '', code = '', message = '' WHERE state IN (0, 1);

-- doubt_ended: So may those for what a person could have sent again since: of runs that had not ended before.
UPDATE chunk SET doubt = 2, outcome = 'unknown', code = :code, message = '' FROM run
    WHERE run.num = chunk.run AND chunk.state = 2 AND chunk.outcome IN ('refused', 'unknown', 'unsent')
    AND (run.ended_at IS NULL OR run.ended_at >= :since);

-- insert_loss: Whatever goes to any target from now on may have been sent before.
INSERT INTO loss (at, target) VALUES (lease_now(), '');

-- doubt_new: What is planned for a target may have been sent there before, by a run that was forgotten.
UPDATE chunk SET doubt = 1 WHERE run = :run AND state = 0 AND doubt = 0
    AND EXISTS (SELECT 1 FROM loss JOIN run ON loss.target IN ('', run.target) WHERE run.num = :run);
