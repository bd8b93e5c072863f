-- Slots that workers lease of functions with a concurrency limit. Times are the server's clock, never a worker's.
-- wanted_until: until then the worker waits for one more slot.
CREATE TABLE slot_leases (
    function_id  uuid NOT NULL,
    worker_id    text COLLATE "C" NOT NULL,
    slots        integer NOT NULL CHECK (slots >= 0),
    expires_at   timestamptz NOT NULL,
    wanted_until timestamptz,
    PRIMARY KEY (function_id, worker_id)
);
CREATE INDEX slot_leases_worker ON slot_leases (worker_id);
