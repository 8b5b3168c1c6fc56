-- Traces are kept in the order they come in. An index over ids, which chance spreads,
-- made each trace touch a page of its own.
CREATE TABLE traces_in_order (
    started_at BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    session_key TEXT,
    cascade_triggered SMALLINT NOT NULL,
    shadow_checked SMALLINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (started_at, request_id)
);

INSERT INTO traces_in_order
    SELECT started_at, request_id, session_key, cascade_triggered, shadow_checked, record
    FROM traces;

DROP TABLE traces;

ALTER TABLE traces_in_order RENAME TO traces;

CREATE INDEX traces_by_session ON traces (session_key) WHERE session_key IS NOT NULL;
