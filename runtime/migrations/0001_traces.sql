-- One row a request. The columns are what is asked for; the record itself, as
-- JSON, is in the last. No prompt, no answer and no key is in any of them.
CREATE TABLE traces (
    request_id TEXT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    session_key TEXT,
    cascade_triggered SMALLINT NOT NULL,
    shadow_checked SMALLINT NOT NULL,
    record TEXT NOT NULL
);

CREATE INDEX traces_by_time ON traces (started_at, request_id);
CREATE INDEX traces_by_session ON traces (session_key);
