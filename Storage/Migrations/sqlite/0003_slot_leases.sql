-- Slots that workers lease of functions with a concurrency limit. Times are SQLite's clock, as text that sorts.
-- wanted_until: until then the worker waits for one more slot.
CREATE TABLE slot_leases (
    function_id  TEXT NOT NULL,
    worker_id    TEXT NOT NULL,
    slots        INTEGER NOT NULL CHECK (slots >= 0),
    expires_at   TEXT NOT NULL,
    wanted_until TEXT,
    PRIMARY KEY (function_id, worker_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_leases_worker ON slot_leases (worker_id);
