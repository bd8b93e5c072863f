-- depth and caused_by: the lineage of what destinations invoke. callback, suppress_destinations: the end may be recorded from the row alone.
ALTER TABLE invocations ADD COLUMN depth INTEGER NOT NULL DEFAULT 0 CHECK (depth >= 0);
ALTER TABLE invocations ADD COLUMN caused_by TEXT;
ALTER TABLE invocations ADD COLUMN callback TEXT;
ALTER TABLE invocations ADD COLUMN suppress_destinations INTEGER NOT NULL DEFAULT 0;

-- Whom the end of an invocation is told: at most one destination and one callback. State machine: waiting is left for
-- delivered or dead, and dead for waiting on request, at began_at. due_at of one that is being delivered is the end of its lease.
-- target: a function, a connection, a URL.
CREATE TABLE dispatches (
    invocation_id TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('function', 'queue', 'callback')),
    dispatch_id   TEXT NOT NULL,
    account_id    TEXT NOT NULL,
    function_name TEXT NOT NULL,
    depth         INTEGER NOT NULL CHECK (depth >= 0),
    target        TEXT NOT NULL,
    exchange      TEXT NOT NULL,
    routing_key   TEXT NOT NULL,
    outcome       TEXT NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    error_code    TEXT,
    content_type  TEXT NOT NULL,
    trace_parent  TEXT,
    body          BLOB NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    created_at    TEXT NOT NULL,
    began_at      TEXT NOT NULL,
    due_at        TEXT NOT NULL,
    ended_at      TEXT,
    last_error    TEXT,
    PRIMARY KEY (invocation_id, kind),
    CONSTRAINT dispatches_end CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;
CREATE INDEX dispatches_due ON dispatches (kind, due_at) WHERE state = 'waiting';
CREATE INDEX dispatches_dead ON dispatches (account_id, invocation_id) WHERE state = 'dead';
CREATE INDEX dispatches_account ON dispatches (account_id, invocation_id);
