-- The lease of a channel: which one of all processes sends for it. Every moment in it is one of the server's clock.

CREATE FUNCTION lease_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;

CREATE TABLE lease (
    channel       text PRIMARY KEY,
    owner         text NOT NULL,        -- a process, by a name that no other ever has; empty: given free
    token         bigint NOT NULL,      -- rises with each take; every write of the owner carries it
    backend       integer NOT NULL,     -- of the owner's connection that writes
    backend_start timestamptz NOT NULL, -- tells that backend from a later one with its number
    since         timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    carried       jsonb NOT NULL DEFAULT '{}', -- what the next owner must know of the API, as its gate tells it
    carried_at    timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Take the lease for an owner that will write over a connection with this backend. No row: another owner has it. It waits
-- for a write of the old owner that has begun (lock_timeout says how long), and refuses those that come later. An owner
-- that has lost its connection takes its own lease again at once.
CREATE FUNCTION lease_take(wanted text, candidate text, life interval, writes_by integer)
RETURNS TABLE (granted bigint, state jsonb, age double precision) LANGUAGE sql VOLATILE AS $$
    INSERT INTO lease AS held (channel, owner, token, backend, backend_start, since, expires_at, carried_at)
    SELECT wanted, candidate, 1, pid, backend_start, lease_now(), lease_now() + life, lease_now()
        FROM pg_stat_activity WHERE pid = writes_by
    ON CONFLICT (channel) DO UPDATE SET owner = excluded.owner, token = held.token + 1, backend = excluded.backend,
        backend_start = excluded.backend_start, expires_at = lease_now() + life,
        since = CASE WHEN held.owner = excluded.owner THEN held.since ELSE lease_now() END
        WHERE held.owner = excluded.owner OR held.expires_at < lease_now()
    RETURNING held.token, held.carried, extract(epoch FROM lease_now() - held.carried_at)
$$;

-- End the old owner's backend, where its lease is over: one that was stopped in the middle of a write would hold its lock
-- for ever. Whether one ended, within a second.
CREATE FUNCTION lease_evict(wanted text, candidate text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(bool_or(pg_terminate_backend(pid, 1000)), false)
        FROM lease JOIN pg_stat_activity AS old ON old.pid = lease.backend AND old.backend_start = lease.backend_start
        WHERE lease.channel = wanted AND pid != pg_backend_pid()
        AND (lease.owner = candidate OR lease.expires_at < lease_now())
$$;

-- Keep the lease for another while; false: it is another's now.
CREATE FUNCTION lease_renew(wanted text, held_token bigint, life interval, state jsonb) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
    WITH kept AS (UPDATE lease SET expires_at = lease_now() + life, carried = state, carried_at = lease_now()
        WHERE channel = wanted AND token = held_token AND owner != '' RETURNING 1)
    SELECT EXISTS (SELECT FROM kept)
$$;

-- Give the lease free: the next one has it at once.
CREATE FUNCTION lease_free(wanted text, held_token bigint, state jsonb) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    WITH freed AS (UPDATE lease SET owner = '', expires_at = '-infinity', carried = state, carried_at = lease_now()
        WHERE channel = wanted AND token = held_token RETURNING 1)
    SELECT EXISTS (SELECT FROM freed)
$$;

-- The first statement of every group of an owner's writes: it takes place before a takeover, or is refused (SL001). Given
-- free, a lease is no more its owner's.
CREATE FUNCTION lease_fence(wanted text, held_token bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM lease WHERE channel = wanted AND token = held_token AND owner != '' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of % is no longer the one with token %', wanted, held_token USING ERRCODE = 'SL001';
    END IF;
END $$;

-- Runs that were handed to the workers of a channel, and by which channel each run was sent last.
CREATE TABLE queued (
    run       bigint PRIMARY KEY,
    channel   text NOT NULL,
    waits     boolean NOT NULL,         -- it is to be sent
    urgent    boolean NOT NULL,
    since     timestamptz NOT NULL,
    served_at timestamptz,              -- when its last turn ended
    not_before timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX queued_of_channel ON queued (channel) WHERE waits;

-- Which channel sends something of a product into a target: what another channel has of it waits, so that an overlap is
-- found before anything of it is sent.
CREATE TABLE claim (
    target  text NOT NULL,
    gtin    text NOT NULL,
    channel text NOT NULL,
    owner   text NOT NULL,
    PRIMARY KEY (target, gtin)
);

-- Claim all products of a run for a channel, or none of them: NULL. The claims of leases that are over count for nothing.
-- What is on the wire of the run then is an earlier owner's: in doubt, and to be sent again. Returns how many chunks.
CREATE FUNCTION lease_claim(wanted text, held_token bigint, of_run bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE taken boolean; lost bigint;
BEGIN
    PERFORM lease_fence(wanted, held_token);
    PERFORM pg_advisory_xact_lock(hashtextextended('claim ' || (SELECT target FROM run WHERE num = of_run), 0));
    DELETE FROM claim WHERE channel = wanted OR NOT EXISTS (SELECT FROM lease WHERE lease.channel = claim.channel
        AND lease.owner = claim.owner AND lease.expires_at >= lease_now());
    SELECT EXISTS (SELECT FROM claim JOIN batch USING (gtin) JOIN run ON run.num = batch.run
        WHERE batch.run = of_run AND claim.target = run.target) INTO taken;
    IF taken THEN
        RETURN NULL;
    END IF;
    INSERT INTO claim SELECT DISTINCT run.target, batch.gtin, wanted, lease.owner
        FROM batch JOIN run ON run.num = batch.run JOIN lease ON lease.channel = wanted WHERE batch.run = of_run;
    UPDATE chunk SET state = 0, doubt = 2, outcome = '', code = '', message = '' WHERE run = of_run AND state = 1;
    GET DIAGNOSTICS lost = ROW_COUNT;
    RETURN lost;
END $$;

-- The server that the ledger was written on last: another system or timeline is a restored backup or a standby that took
-- over, and may lack what was confirmed.
CREATE TABLE server (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    identity text NOT NULL
);
CREATE FUNCTION server_identity() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()
$$;

-- What may have been sent and forgotten: whatever is staged for a target from here on may have been sent there before.
CREATE TABLE loss (
    num    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    target text NOT NULL               -- empty: any
);
