CREATE TABLE accounts (
    account_id  text COLLATE "C" PRIMARY KEY,
    created_at  timestamptz NOT NULL
);

CREATE TABLE api_keys (
    key_sha256  text PRIMARY KEY CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    name        text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL
);

-- renewed_at: when it was put or referred to last. Only older ones that nothing refers to are collected, so that a deploy
-- has its package between the upload and the commit of its revision.
CREATE TABLE packages (
    sha256      text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes       bytea NOT NULL,
    renewed_at  timestamptz NOT NULL
);
-- Packages are compressed already.
ALTER TABLE packages ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE functions (
    function_id uuid PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    name        text COLLATE "C" NOT NULL,
    revision    integer NOT NULL CHECK (revision >= 1),
    created_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX functions_name ON functions (account_id, name) WHERE deleted_at IS NULL;

CREATE TABLE revisions (
    function_id    uuid NOT NULL REFERENCES functions,
    revision       integer NOT NULL CHECK (revision >= 1),
    manifest       text NOT NULL,
    package_sha256 text NOT NULL REFERENCES packages,
    package_bytes  bigint NOT NULL CHECK (package_bytes >= 0),
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (function_id, revision)
);
CREATE INDEX revisions_package ON revisions (package_sha256);

CREATE TABLE payloads (
    invocation_id uuid PRIMARY KEY,
    bytes         bytea NOT NULL,
    created_at    timestamptz NOT NULL
);

-- State machine: queued and running are open; every other state is an end and is never left. recorded_attempt is the
-- highest attempt with a billing record: an attempt is new if it is above it and the row is open.
CREATE TABLE invocations (
    invocation_id       uuid NOT NULL,
    account_id          text COLLATE "C" NOT NULL,
    function_id         uuid NOT NULL,
    function_name       text COLLATE "C" NOT NULL,
    revision            integer NOT NULL CHECK (revision >= 1),
    kind                text NOT NULL CHECK (kind IN ('synchronous', 'asynchronous')),
    trigger_kind        text NOT NULL CHECK (trigger_kind <> ''),
    state               text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    attempt             integer NOT NULL CHECK (attempt >= 1),
    recorded_attempt    integer NOT NULL CHECK (recorded_attempt BETWEEN 0 AND attempt),
    accepted_at         timestamptz NOT NULL,
    due_at              timestamptz NOT NULL,
    deadline            timestamptz NOT NULL,
    ended_at            timestamptz,
    body_is_stored      boolean NOT NULL,
    error_code          text,
    error_type          text,
    error_message       text,
    result_status       integer,
    result_headers      text,
    result_content_type text,
    result_body         bytea,
    PRIMARY KEY (invocation_id),
    CONSTRAINT invocations_end CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    CONSTRAINT invocations_success CHECK (state <> 'succeeded' OR error_code IS NULL)
) PARTITION BY RANGE (invocation_id);
CREATE INDEX invocations_account ON invocations (account_id, invocation_id);
CREATE INDEX invocations_function ON invocations (account_id, function_name, invocation_id);
-- Few rows are open at a time: the wake sweep, the reconciler and the counts look at those only.
CREATE INDEX invocations_open ON invocations (function_id, due_at) WHERE state IN ('queued', 'running');

-- One attempt and its bill. Durations are microseconds.
CREATE TABLE billing_records (
    invocation_id       uuid NOT NULL,
    attempt             integer NOT NULL CHECK (attempt >= 1),
    account_id          text COLLATE "C" NOT NULL,
    function_name       text COLLATE "C" NOT NULL,
    state               text NOT NULL CHECK (state IN ('queued', 'succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    error_code          text,
    started_at          timestamptz NOT NULL,
    ended_at            timestamptz NOT NULL,
    queue_us            bigint NOT NULL CHECK (queue_us >= 0),
    start_us            bigint NOT NULL CHECK (start_us >= 0),
    init_us             bigint NOT NULL CHECK (init_us >= 0),
    run_us              bigint NOT NULL CHECK (run_us >= 0),
    cold_start          boolean NOT NULL,
    memory_bytes        bigint NOT NULL CHECK (memory_bytes >= 0),
    peak_memory_bytes   bigint,
    cpu_us              bigint,
    worker_id           text NOT NULL,
    billed_ms           bigint NOT NULL CHECK (billed_ms >= 0),
    gb_seconds          numeric NOT NULL CHECK (gb_seconds >= 0),
    cost                numeric NOT NULL CHECK (cost >= 0),
    price_version       text NOT NULL,
    trace_parent        text,
    PRIMARY KEY (invocation_id, attempt)
) PARTITION BY RANGE (invocation_id);

-- How often a redelivered attempt was started.
CREATE TABLE start_marks (
    invocation_id uuid NOT NULL,
    attempt       integer NOT NULL CHECK (attempt >= 1),
    marks         integer NOT NULL CHECK (marks >= 1),
    worker_id     text NOT NULL,
    started_at    timestamptz NOT NULL,
    PRIMARY KEY (invocation_id, attempt)
) PARTITION BY RANGE (invocation_id);

CREATE TABLE invocation_logs (
    invocation_id uuid NOT NULL,
    attempt       integer NOT NULL CHECK (attempt >= 1),
    sequence      integer NOT NULL CHECK (sequence >= 0),
    account_id    text COLLATE "C" NOT NULL,
    logged_at     timestamptz NOT NULL,
    stream        text NOT NULL CHECK (stream IN ('stdout', 'stderr', 'platform')),
    line          text NOT NULL,
    PRIMARY KEY (invocation_id, attempt, sequence)
) PARTITION BY RANGE (invocation_id);

-- Everything that is to be published later. message: the invocation message as JSON without its body.
CREATE TABLE outbox (
    invocation_id uuid NOT NULL,
    attempt       integer NOT NULL CHECK (attempt >= 1),
    due_at        timestamptz NOT NULL,
    message       text NOT NULL,
    body          bytea NOT NULL,
    PRIMARY KEY (invocation_id, attempt)
);
CREATE INDEX outbox_due ON outbox (due_at);

-- For ids of a clock that is wrong by more than the partitions that stand ready.
CREATE TABLE invocations_default PARTITION OF invocations DEFAULT;
CREATE TABLE billing_records_default PARTITION OF billing_records DEFAULT;
CREATE TABLE start_marks_default PARTITION OF start_marks DEFAULT;
CREATE TABLE invocation_logs_default PARTITION OF invocation_logs DEFAULT;
