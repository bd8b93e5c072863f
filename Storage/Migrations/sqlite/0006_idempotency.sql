-- What callers named by an Idempotency-Key: the invocation that the first request with it became. busy_until: until then whoever made
-- it may still be at it; a request that comes later and finds nothing of it takes the key over.
CREATE TABLE idempotency_keys (
    function_id    TEXT NOT NULL,
    key_sha256     TEXT NOT NULL CHECK (length(key_sha256) = 64 AND key_sha256 NOT GLOB '*[^0-9a-f]*'),
    account_id     TEXT NOT NULL,
    request_sha256 TEXT NOT NULL CHECK (length(request_sha256) = 64 AND request_sha256 NOT GLOB '*[^0-9a-f]*'),
    invocation_id  TEXT NOT NULL,
    is_confirmed   INTEGER NOT NULL CHECK (is_confirmed IN (0, 1)),
    busy_until     TEXT NOT NULL,
    expires_at     TEXT NOT NULL,
    PRIMARY KEY (function_id, key_sha256)
) STRICT;
CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);
