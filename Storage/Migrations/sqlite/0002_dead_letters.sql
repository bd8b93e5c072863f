-- One for each asynchronous invocation that ended other than well; why and when stands in its row of invocations. Open until it is
-- re-driven (as redriven_as) or discarded, once.
CREATE TABLE dead_letters (
    invocation_id TEXT NOT NULL PRIMARY KEY,
    account_id    TEXT NOT NULL,
    function_name TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'redriven', 'discarded')),
    settled_at    TEXT,
    redriven_as   TEXT,
    CONSTRAINT dead_letters_settled CHECK ((state = 'open') = (settled_at IS NULL)),
    CONSTRAINT dead_letters_redriven CHECK ((state = 'redriven') = (redriven_as IS NOT NULL))
) STRICT;
CREATE INDEX dead_letters_account ON dead_letters (account_id, invocation_id);
CREATE INDEX dead_letters_function ON dead_letters (account_id, function_name, invocation_id);

-- The event of an asynchronous invocation that ended, for re-drive and replay. event_message: what the row does not say of the
-- message, as JSON; NULL if the event is not kept. One that was too large to travel lies in payloads, and event_body is empty.
ALTER TABLE invocations ADD COLUMN event_message TEXT;
ALTER TABLE invocations ADD COLUMN event_body BLOB;

-- What a new invocation was made from.
ALTER TABLE invocations ADD COLUMN redrive_of TEXT;
ALTER TABLE invocations ADD COLUMN replay_of TEXT;
CREATE INDEX invocations_replay ON invocations (replay_of) WHERE replay_of IS NOT NULL;
