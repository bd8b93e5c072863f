-- depth and caused_by: the lineage of what destinations invoke. callback, suppress_destinations: the end may be recorded from the row alone.
ALTER TABLE invocations ADD COLUMN depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0);
ALTER TABLE invocations ADD COLUMN caused_by uuid;
ALTER TABLE invocations ADD COLUMN callback text;
ALTER TABLE invocations ADD COLUMN suppress_destinations boolean NOT NULL DEFAULT false;

-- Whom the end of an invocation is told: at most one destination and one callback. State machine: waiting is left for
-- delivered or dead, and dead for waiting on request, at began_at. due_at of one that is being delivered is the end of its lease.
-- target: a function, a connection, a URL.
CREATE TABLE dispatches (
    invocation_id uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('function', 'queue', 'callback')),
    dispatch_id   uuid NOT NULL,
    account_id    text COLLATE "C" NOT NULL,
    function_name text COLLATE "C" NOT NULL,
    depth         integer NOT NULL CHECK (depth >= 0),
    target        text NOT NULL,
    exchange      text NOT NULL,
    routing_key   text NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'expired', 'lost')),
    error_code    text,
    content_type  text NOT NULL,
    trace_parent  text,
    body          bytea NOT NULL,
    state         text NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts      integer NOT NULL CHECK (attempts >= 0),
    created_at    timestamptz NOT NULL,
    began_at      timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    ended_at      timestamptz,
    last_error    text,
    PRIMARY KEY (invocation_id, kind),
    CONSTRAINT dispatches_end CHECK ((state = 'waiting') = (ended_at IS NULL))
) PARTITION BY RANGE (invocation_id);
CREATE INDEX dispatches_due ON dispatches (kind, due_at) WHERE state = 'waiting';
CREATE INDEX dispatches_dead ON dispatches (account_id, invocation_id) WHERE state = 'dead';
CREATE INDEX dispatches_account ON dispatches (account_id, invocation_id);
CREATE TABLE dispatches_default PARTITION OF dispatches DEFAULT;
