-- Functions that are kept loaded: found by every worker every few seconds, so they are marked where an index can find them.
ALTER TABLE revisions ADD COLUMN min_instances integer NOT NULL DEFAULT 0;
CREATE INDEX revisions_kept ON revisions (function_id, revision) WHERE min_instances > 0;
