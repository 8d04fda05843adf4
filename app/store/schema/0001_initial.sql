-- Tidewire's tables, the same on SQLite and PostgreSQL: text, 64-bit integers (0 and 1 for no and yes) and JSON as text.
-- Times are Unix milliseconds. What clients name themselves (chats, projects, questions, commands) is keyed by its user:
-- another user's id is simply a new one, so a foreign id and an unknown one cannot be told apart.

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                 -- guest | account
    name TEXT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    epoch TEXT NOT NULL,                -- the identity of this user's event log
    head BIGINT NOT NULL DEFAULT 0      -- its newest offset; updating it locks the user against other changes
);

CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE tickets (
    ticket_hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE TABLE projects (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    title TEXT NOT NULL,
    instructions TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, project_id)
);

CREATE TABLE chats (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    chat_id TEXT NOT NULL,
    project_id TEXT,
    title TEXT NOT NULL,
    title_source TEXT NOT NULL,         -- provisional | model | person: a later one in this list is never overwritten by an earlier one
    pinned BIGINT NOT NULL DEFAULT 0,
    archived BIGINT NOT NULL DEFAULT 0,
    unseen BIGINT NOT NULL DEFAULT 0,
    queue_paused BIGINT NOT NULL DEFAULT 0,
    leaf_id TEXT,                       -- the shown branch is this message and its ancestors
    last_status TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,                  -- kept for a day, so that a late command cannot bring the chat back
    PRIMARY KEY (user_id, chat_id)
);
CREATE INDEX chats_by_activity ON chats (user_id, updated_at DESC, chat_id);

CREATE TABLE messages (
    user_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    parent_id TEXT,
    shown_child_id TEXT,                -- which branch was shown last below this message
    role TEXT NOT NULL,
    parts TEXT NOT NULL,
    metadata TEXT NOT NULL,
    committed BIGINT NOT NULL,          -- 0 while an answer lives only in its stream
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, message_id),
    FOREIGN KEY (user_id, chat_id) REFERENCES chats (user_id, chat_id) ON DELETE CASCADE
);
CREATE INDEX messages_of_parent ON messages (user_id, chat_id, parent_id);

CREATE TABLE streams (
    stream_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    command_id TEXT NOT NULL,
    source_client_id TEXT,
    node TEXT,                          -- the owner; nobody while it is queued
    status TEXT NOT NULL,
    request TEXT NOT NULL,              -- what was asked for: model, options, and the question of a queued stream
    rank BIGINT NOT NULL DEFAULT 0,     -- order in the chat's queue
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    seq BIGINT NOT NULL DEFAULT 0,
    outcome TEXT,                       -- once ended: finishReason, usage, error
    FOREIGN KEY (user_id, chat_id) REFERENCES chats (user_id, chat_id) ON DELETE CASCADE
);
-- Guarantee 17: at most one active stream per chat, enforced here and nowhere else.
CREATE UNIQUE INDEX streams_one_active ON streams (user_id, chat_id) WHERE status IN ('streaming', 'stopping');
CREATE INDEX streams_unfinished ON streams (user_id, status) WHERE status IN ('queued', 'streaming', 'stopping');
CREATE INDEX streams_of_chat ON streams (user_id, chat_id, created_at);
CREATE INDEX streams_of_command ON streams (user_id, command_id);

CREATE TABLE events (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    event_offset BIGINT NOT NULL,
    name TEXT NOT NULL,
    time BIGINT NOT NULL,
    source_client_id TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (user_id, event_offset)
);
CREATE INDEX events_by_time ON events (time);

CREATE TABLE idempotency (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    command_id TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    result TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, command_id)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);

-- Stops that came before the command they stop (guarantee 15).
CREATE TABLE early_stops (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    command_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, command_id)
);

-- One row a node: whoever holds it owns the streams that name the node.
CREATE TABLE leases (
    node TEXT PRIMARY KEY,
    acquired_at BIGINT NOT NULL,
    renewed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
