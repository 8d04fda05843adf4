-- What a running answer waits for from people: leave to run a tool, or the output of a tool that their client runs.

CREATE TABLE tool_requests (
    stream_id TEXT NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,                 -- approval | output
    request_id TEXT NOT NULL,           -- the approvalId, or the toolCallId
    asked_at BIGINT NOT NULL,
    answer TEXT,                        -- JSON, of whoever came first; NULL while nobody has answered
    PRIMARY KEY (stream_id, kind, request_id)
);
CREATE INDEX tool_requests_by_time ON tool_requests (asked_at);
