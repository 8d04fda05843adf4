-- Accounts: how people sign in, on which devices they are, and who was signed out lately.

ALTER TABLE users ADD COLUMN email TEXT;            -- trimmed and in lower case; of a provider's user what it said, no key
ALTER TABLE users ADD COLUMN password_hash TEXT;    -- argon2; guests and the users of an identity provider have none
ALTER TABLE users ADD COLUMN issuer TEXT;           -- the identity provider that vouches for this user,
ALTER TABLE users ADD COLUMN subject TEXT;          -- who is this subject there
CREATE UNIQUE INDEX users_by_email ON users (email) WHERE email IS NOT NULL AND issuer IS NULL;
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject) WHERE issuer IS NOT NULL;

ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'login';     -- login | token: an API token, which has a name
ALTER TABLE sessions ADD COLUMN name TEXT;
ALTER TABLE sessions ADD COLUMN device TEXT;        -- in words, as "Firefox on Linux"
ALTER TABLE sessions ADD COLUMN seen_at BIGINT;     -- to the quarter of an hour

-- A ticket may stand for a sign-in of which nothing else is stored: one that an identity provider vouches for.
DROP TABLE tickets;
CREATE TABLE tickets (
    ticket_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    session_id TEXT REFERENCES sessions (session_id) ON DELETE CASCADE,
    signed_in_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
CREATE INDEX tickets_of_session ON tickets (session_id);
CREATE INDEX tickets_of_user ON tickets (user_id);

-- A code that lets one person register.
CREATE TABLE invites (
    code_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invites_by_expiry ON invites (expires_at);

-- What every node reads each second, to close the sockets of whoever was signed out (guarantee 33). All by the
-- database's clock. A deleted user leaves nothing but this line, and that for an hour.
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX users_disabled ON users (disabled_at) WHERE disabled_at IS NOT NULL;
CREATE TABLE deleted_users (
    user_id TEXT PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);
CREATE INDEX deleted_users_by_time ON deleted_users (deleted_at);
