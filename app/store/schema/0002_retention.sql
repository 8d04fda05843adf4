-- Each minute's sweep finds what is too old by these (events and receipts have theirs already).

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
CREATE INDEX tickets_of_session ON tickets (session_id);
CREATE INDEX early_stops_by_expiry ON early_stops (expires_at);
CREATE INDEX chats_deleted ON chats (deleted_at) WHERE deleted_at IS NOT NULL;
