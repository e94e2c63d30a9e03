-- The ledger: runs, chunks and what became of every row. A chunk has one fate: where its serials end differently it is cut.
-- `user_version` holds the schema's version, `application_id` says that the file is a ledger.
-- `total` holds sums of checksums over the rows of the others (checksums.py). A blob is sealed (packing.py): `content` is
-- the checksum that its seal must have.

CREATE TABLE run (
    num           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,   -- what people see; sorts by time
    state         TEXT NOT NULL,          -- RunState
    source_name   TEXT NOT NULL,
    source_path   TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    source_bytes  INTEGER NOT NULL,
    options       TEXT NOT NULL,          -- JSON: how the source was to be read; part of its identity
    reading       TEXT NOT NULL DEFAULT '{}',  -- JSON: how it was read
    notes         TEXT NOT NULL DEFAULT '{}',  -- JSON: rows by code of repair or warning
    settings      TEXT NOT NULL,          -- JSON: the configuration, without secrets
    target        TEXT NOT NULL,          -- the API that it was sent to: what one has assigned says nothing of another
    rows          INTEGER NOT NULL DEFAULT 0,
    chunk_limit   INTEGER,                -- most serials per request, as learned from the API
    seconds       REAL NOT NULL DEFAULT 0,     -- spent submitting, all sessions together
    staged_turn   INTEGER NOT NULL DEFAULT 0,  -- the ledger's own sequence of stagings and ends, which no clock disturbs
    ended_turn    INTEGER,
    started_at    TEXT NOT NULL,
    staged_at     TEXT,
    ended_at      TEXT,
    stopped_by    TEXT NOT NULL DEFAULT '',    -- JSON: the message that says why it stopped early
    exit_code     INTEGER,
    version       TEXT NOT NULL,
    user          TEXT NOT NULL,          -- as the system says; on the page who logged in
    user_claimed  TEXT NOT NULL,          -- as the environment claims
    host          TEXT NOT NULL,
    action        TEXT NOT NULL DEFAULT 'commission',  -- Action
    undoes        TEXT NOT NULL DEFAULT ''     -- id of the run that it takes back
) STRICT;

CREATE TABLE event (
    num     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,         -- recorded once, however often it is handed in
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,                -- EventKind
    actor   TEXT NOT NULL,                -- as the system says; on the page who logged in
    claimed TEXT NOT NULL,
    place   TEXT NOT NULL,                -- JSON: from where
    run     TEXT NOT NULL,                -- id of a run, which may be gone or not yet there
    upload  TEXT NOT NULL,
    before  TEXT NOT NULL,                -- JSON
    after   TEXT,                         -- JSON; none: begun and never closed
    closed  INTEGER,                      -- the last event when this one, which wrote a report, was closed
    comment TEXT NOT NULL                 -- what the person wrote
) STRICT;
CREATE INDEX event_of_run ON event (run) WHERE run != '';
CREATE INDEX event_of_upload ON event (upload) WHERE upload != '';

CREATE TABLE batch (
    run      INTEGER NOT NULL,
    num      INTEGER NOT NULL,            -- 0 is for rejected rows whose batch can't be told
    gtin     TEXT NOT NULL,
    batch    TEXT NOT NULL,
    expiry   TEXT NOT NULL,
    PRIMARY KEY (run, num)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunk (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,         -- within the run; what reports show
    root        INTEGER NOT NULL,         -- seq of the planned chunk that it was cut from, or its own
    batch       INTEGER NOT NULL,
    state       INTEGER NOT NULL,         -- ChunkState
    outcome     TEXT NOT NULL DEFAULT '', -- of all its rows; of a pending chunk: what it was before a retry, until an answer says more
    code        TEXT NOT NULL DEFAULT '',
    message     TEXT NOT NULL DEFAULT '', -- JSON: the values of its message
    doubt       INTEGER NOT NULL,         -- Doubt
    serials     INTEGER NOT NULL,
    repeats     INTEGER NOT NULL,         -- rows that repeat one of the serials
    first_key   INTEGER NOT NULL,
    last_key    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,         -- those of the chunks it was cut from included
    asked       INTEGER NOT NULL DEFAULT 0, -- id of the chunk in whose request its rows last went out: its own, or one it was cut from; 0: in none
    recorded_at TEXT NOT NULL DEFAULT '',
    content     INTEGER NOT NULL          -- of its rows
) STRICT;
CREATE UNIQUE INDEX chunk_of_run ON chunk (run, seq);
CREATE INDEX chunk_of_root ON chunk (run, root);
CREATE INDEX chunk_by_key ON chunk (run, first_key);
CREATE INDEX chunk_to_send ON chunk (run, root, seq) WHERE state = 0;
CREATE INDEX chunk_on_the_wire ON chunk (run) WHERE state = 1;

CREATE TABLE chunk_rows (
    chunk INTEGER PRIMARY KEY,
    rows  BLOB NOT NULL                   -- packing.py
) STRICT;

CREATE TABLE attempt (
    run         INTEGER NOT NULL,
    chunk       INTEGER NOT NULL,         -- the one that was sent, also where it was cut since
    n           INTEGER NOT NULL,
    sent_at     TEXT NOT NULL,
    answered_at TEXT,                     -- none: the answer was lost with its process
    verdict     TEXT NOT NULL DEFAULT '', -- Verdict
    http_status INTEGER,
    error       TEXT NOT NULL DEFAULT '',
    message     TEXT NOT NULL DEFAULT '', -- JSON: what the API said, or a part of a message
    assigned    INTEGER NOT NULL DEFAULT 0,  -- serials that the answer names as Assigned
    existing    INTEGER NOT NULL DEFAULT 0,  -- serials of which it says that they exist already
    digest      TEXT NOT NULL DEFAULT '', -- SHA-256 of the answer's body
    seconds     REAL NOT NULL DEFAULT 0,
    content     INTEGER NOT NULL DEFAULT 0,
    says        BLOB NOT NULL DEFAULT x'', -- of which serials it said something else than Assigned (answers.py)
    PRIMARY KEY (run, chunk, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE reject (
    id        INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL,
    first_key INTEGER NOT NULL,
    last_key  INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    content   INTEGER NOT NULL,
    rows      BLOB NOT NULL               -- an Arrow stream of tables.REJECTS
) STRICT;
CREATE INDEX reject_by_key ON reject (run, first_key);

CREATE TABLE reject_count (
    run   INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    code  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (run, batch, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE fingerprint (
    id      INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL,
    first   INTEGER NOT NULL,             -- the smallest shortened hash in this piece
    last    INTEGER NOT NULL,
    content INTEGER NOT NULL,
    entries BLOB NOT NULL                 -- fingerprint index, see index.py
) STRICT;
CREATE INDEX fingerprint_of_run ON fingerprint (run, first);

CREATE TABLE holder (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    pid   INTEGER NOT NULL,
    host  TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;

CREATE TABLE total (
    run  INTEGER NOT NULL,                -- 0: of the whole ledger
    what TEXT NOT NULL,                   -- the table
    n    INTEGER NOT NULL,                -- its rows
    sum  INTEGER NOT NULL,                -- of their checksums
    PRIMARY KEY (run, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    num   INTEGER PRIMARY KEY,
    token TEXT NOT NULL,                  -- of one opening for writing, made up
    first INTEGER NOT NULL                -- the commit with which it began
) STRICT;

CREATE TABLE progress (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    ledger  TEXT NOT NULL,                -- tells this ledger from all others, made up
    session TEXT NOT NULL,                -- the last one
    n       INTEGER NOT NULL,             -- commits: the anchor beside the file counts with it (anchor.py)
    state   TEXT NOT NULL                 -- open: being written, or its process was killed; closed; backup
) STRICT;

CREATE TABLE loss (
    num    INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,
    target TEXT NOT NULL,                 -- whatever is sent there may have been sent before; empty: to any
    n      INTEGER NOT NULL               -- the commit to which the ledger had fallen back
) STRICT;
