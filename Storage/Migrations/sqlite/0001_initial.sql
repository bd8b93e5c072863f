-- Ids are UUIDs as TEXT, times UTC as TEXT that sorts, decimals TEXT because SQLite has none: they are summed in code.
CREATE TABLE accounts (
    account_id  TEXT NOT NULL PRIMARY KEY,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE api_keys (
    key_sha256  TEXT NOT NULL PRIMARY KEY CHECK (length(key_sha256) = 64 AND key_sha256 NOT GLOB '*[^0-9a-f]*'),
    account_id  TEXT NOT NULL REFERENCES accounts,
    name        TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;

-- renewed_at: when it was put or referred to last. Only older ones that nothing refers to are collected, so that a deploy
-- has its package between the upload and the commit of its revision.
CREATE TABLE packages (
    sha256      TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    bytes       BLOB NOT NULL,
    renewed_at  TEXT NOT NULL
) STRICT;

CREATE TABLE functions (
    function_id TEXT NOT NULL PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts,
    name        TEXT NOT NULL,
    revision    INTEGER NOT NULL CHECK (revision >= 1),
    created_at  TEXT NOT NULL,
    deleted_at  TEXT
) STRICT;
CREATE UNIQUE INDEX functions_name ON functions (account_id, name) WHERE deleted_at IS NULL;

CREATE TABLE revisions (
    function_id    TEXT NOT NULL REFERENCES functions,
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    manifest       TEXT NOT NULL,
    package_sha256 TEXT NOT NULL REFERENCES packages,
    package_bytes  INTEGER NOT NULL CHECK (package_bytes >= 0),
    created_at     TEXT NOT NULL,
    PRIMARY KEY (function_id, revision)
) STRICT;
CREATE INDEX revisions_package ON revisions (package_sha256);

CREATE TABLE payloads (
    invocation_id TEXT NOT NULL PRIMARY KEY,
    bytes         BLOB NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

-- State machine: queued and running are open; every other state is an end and is never left. recorded_attempt is the
-- highest attempt with a billing record: an attempt is new if it is above it and the row is open.
CREATE TABLE invocations (
    invocation_id       TEXT NOT NULL,
    account_id          TEXT NOT NULL,
    function_id         TEXT NOT NULL,
    function_name       TEXT NOT NULL,
    revision            INTEGER NOT NULL CHECK (revision >= 1),
    kind                TEXT NOT NULL CHECK (kind IN ('synchronous', 'asynchronous')),
    trigger_kind        TEXT NOT NULL CHECK (trigger_kind <> ''),
    state               TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    attempt             INTEGER NOT NULL CHECK (attempt >= 1),
    recorded_attempt    INTEGER NOT NULL CHECK (recorded_attempt BETWEEN 0 AND attempt),
    accepted_at         TEXT NOT NULL,
    due_at              TEXT NOT NULL,
    deadline            TEXT NOT NULL,
    ended_at            TEXT,
    body_is_stored      INTEGER NOT NULL,
    error_code          TEXT,
    error_type          TEXT,
    error_message       TEXT,
    result_status       INTEGER,
    result_headers      TEXT,
    result_content_type TEXT,
    result_body         BLOB,
    PRIMARY KEY (invocation_id),
    CONSTRAINT invocations_end CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    CONSTRAINT invocations_success CHECK (state <> 'succeeded' OR error_code IS NULL)
) STRICT;
CREATE INDEX invocations_account ON invocations (account_id, invocation_id);
CREATE INDEX invocations_function ON invocations (account_id, function_name, invocation_id);
-- Few rows are open at a time: the wake sweep, the reconciler and the counts look at those only.
CREATE INDEX invocations_open ON invocations (function_id, due_at) WHERE state IN ('queued', 'running');

-- One attempt and its bill. Durations are microseconds.
CREATE TABLE billing_records (
    invocation_id       TEXT NOT NULL,
    attempt             INTEGER NOT NULL CHECK (attempt >= 1),
    account_id          TEXT NOT NULL,
    function_name       TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('queued', 'succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    error_code          TEXT,
    started_at          TEXT NOT NULL,
    ended_at            TEXT NOT NULL,
    queue_us            INTEGER NOT NULL CHECK (queue_us >= 0),
    start_us            INTEGER NOT NULL CHECK (start_us >= 0),
    init_us             INTEGER NOT NULL CHECK (init_us >= 0),
    run_us              INTEGER NOT NULL CHECK (run_us >= 0),
    cold_start          INTEGER NOT NULL,
    memory_bytes        INTEGER NOT NULL CHECK (memory_bytes >= 0),
    peak_memory_bytes   INTEGER,
    cpu_us              INTEGER,
    worker_id           TEXT NOT NULL,
    billed_ms           INTEGER NOT NULL CHECK (billed_ms >= 0),
    gb_seconds          TEXT NOT NULL CHECK (gb_seconds NOT LIKE '-%'),
    cost                TEXT NOT NULL CHECK (cost NOT LIKE '-%'),
    price_version       TEXT NOT NULL,
    trace_parent        TEXT,
    PRIMARY KEY (invocation_id, attempt)
) STRICT, WITHOUT ROWID;

-- How often a redelivered attempt was started.
CREATE TABLE start_marks (
    invocation_id TEXT NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt >= 1),
    marks         INTEGER NOT NULL CHECK (marks >= 1),
    worker_id     TEXT NOT NULL,
    started_at    TEXT NOT NULL,
    PRIMARY KEY (invocation_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE invocation_logs (
    invocation_id TEXT NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt >= 1),
    sequence      INTEGER NOT NULL CHECK (sequence >= 0),
    account_id    TEXT NOT NULL,
    logged_at     TEXT NOT NULL,
    stream        TEXT NOT NULL CHECK (stream IN ('stdout', 'stderr', 'platform')),
    line          TEXT NOT NULL,
    PRIMARY KEY (invocation_id, attempt, sequence)
) STRICT, WITHOUT ROWID;

-- Everything that is to be published later. message: the invocation message as JSON without its body.
CREATE TABLE outbox (
    invocation_id TEXT NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt >= 1),
    due_at        TEXT NOT NULL,
    message       TEXT NOT NULL,
    body          BLOB NOT NULL,
    PRIMARY KEY (invocation_id, attempt)
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at);
