-- What callers named by an Idempotency-Key: the invocation that the first request with it became. busy_until: until then whoever made
-- it may still be at it; a request that comes later and finds nothing of it takes the key over.
CREATE TABLE idempotency_keys (
    function_id    uuid NOT NULL,
    key_sha256     text NOT NULL CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    account_id     text COLLATE "C" NOT NULL,
    request_sha256 text NOT NULL CHECK (request_sha256 ~ '^[0-9a-f]{64}$'),
    invocation_id  uuid NOT NULL,
    is_confirmed   boolean NOT NULL,
    busy_until     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (function_id, key_sha256)
);
CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);
