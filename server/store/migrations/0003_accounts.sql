-- Who may use the server. An account is named by its localpart. Times of 0 are "never".
CREATE TABLE accounts (
    local      TEXT NOT NULL PRIMARY KEY,
    role       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled   BOOLEAN NOT NULL,
    active_day BIGINT NOT NULL,
    removed_at BIGINT NOT NULL,
    purge_at   BIGINT NOT NULL,
    purged_at  BIGINT NOT NULL
);

-- SCRAM verifiers, sealed with a key that is not in the database.
CREATE TABLE account_credentials (
    local      TEXT NOT NULL REFERENCES accounts (local) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    salt       BYTEA NOT NULL,
    iterations BIGINT NOT NULL,
    key_id     TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    PRIMARY KEY (local, hash)
);

-- Installations of clients that have logged in (XEP-0388 user agents).
CREATE TABLE account_devices (
    id         TEXT NOT NULL PRIMARY KEY,
    local      TEXT NOT NULL REFERENCES accounts (local) ON DELETE CASCADE,
    agent      TEXT NOT NULL,
    software   TEXT NOT NULL,
    device     TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    password   BOOLEAN NOT NULL,
    UNIQUE (local, agent)
);

-- FAST tokens (XEP-0484): per device the current one and one that was issued and not used yet.
-- The token itself is computed from its id and a key that is not in the database.
CREATE TABLE account_tokens (
    id         BYTEA NOT NULL PRIMARY KEY,
    device     TEXT NOT NULL REFERENCES account_devices (id) ON DELETE CASCADE,
    unused     BOOLEAN NOT NULL,
    mechanism  TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    counter    BIGINT NOT NULL,
    UNIQUE (device, unused)
);

CREATE INDEX account_tokens_expiry ON account_tokens (expires_at);

-- Invites, found by the hash of their token, which is computed like that of account_tokens.
CREATE TABLE account_invites (
    id         TEXT NOT NULL PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    key_id     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    creator    TEXT NOT NULL,
    introduce  BOOLEAN NOT NULL,
    register   BOOLEAN NOT NULL,
    role       TEXT NOT NULL,
    local      TEXT NOT NULL,
    note       TEXT NOT NULL,
    uses       BIGINT NOT NULL,
    used       BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX account_invites_creator ON account_invites (creator, created_at);
CREATE INDEX account_invites_local ON account_invites (local);

-- Pairs whom an invite has brought together and who are not yet contacts of each other.
CREATE TABLE account_introductions (
    local   TEXT NOT NULL REFERENCES accounts (local) ON DELETE CASCADE,
    contact TEXT NOT NULL REFERENCES accounts (local) ON DELETE CASCADE,
    PRIMARY KEY (local, contact)
);
