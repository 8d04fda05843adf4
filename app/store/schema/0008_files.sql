-- Files that people attach to their questions: the bytes of each once for its user, in pieces, so that neither a download
-- nor a statement holds a whole file.

CREATE TABLE files (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    file_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,         -- SHA-256, in hex
    media_type TEXT NOT NULL,
    filename TEXT NOT NULL,             -- as it was given last; messages keep the one they were sent with
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,                  -- when it goes unless a question names it by then; NULL while one does
    PRIMARY KEY (user_id, file_id),
    UNIQUE (user_id, content_hash)
);
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE file_pieces (
    user_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    number BIGINT NOT NULL,             -- from 0
    -- sqlite: bytes BLOB NOT NULL,
    -- postgresql: bytes BYTEA NOT NULL,
    PRIMARY KEY (user_id, file_id, number),
    FOREIGN KEY (user_id, file_id) REFERENCES files (user_id, file_id) ON DELETE CASCADE
);

-- Which questions name which file: those that are stored, and those that wait for their turn.
CREATE TABLE file_uses (
    user_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    PRIMARY KEY (user_id, message_id, file_id),
    FOREIGN KEY (user_id, chat_id) REFERENCES chats (user_id, chat_id) ON DELETE CASCADE,
    FOREIGN KEY (user_id, file_id) REFERENCES files (user_id, file_id) ON DELETE CASCADE
);
CREATE INDEX file_uses_of_chat ON file_uses (user_id, chat_id);
CREATE INDEX file_uses_of_file ON file_uses (user_id, file_id);
