-- The archives of messages (XEP-0313). Numbers of messages (seq) are milliseconds since 1970
-- with a counter in the lowest 20 bits.

-- delivered: nothing waits for a first delivery up to and including this message.
-- policy is the owner's own, '' for that of the server.
CREATE TABLE archives (
    id        BIGINT PRIMARY KEY,
    address   TEXT NOT NULL UNIQUE,
    delivered BIGINT NOT NULL,
    policy    TEXT NOT NULL
);

-- Whose messages the owner wants archived, and whose not.
CREATE TABLE archive_rules (
    archive BIGINT NOT NULL,
    jid     TEXT NOT NULL,
    keep    BOOLEAN NOT NULL,
    PRIMARY KEY (archive, jid)
) /* without rowid */;

-- The content of messages, each once.
CREATE TABLE archive_stanzas (
    id     BIGINT PRIMARY KEY,
    stanza TEXT NOT NULL
);

-- The stanzas that two archives list: those of the sender and of the recipient.
CREATE TABLE archive_shared (
    stanza BIGINT PRIMARY KEY
);

-- What an archive lists. peer is the bare address of the other side, resource its resource.
-- flags: 1 the owner sent it, 2 it waits for a first delivery if it is newer than delivered,
-- 4 it is here for that alone. What belongs to no archive any more is deleted by and by.
CREATE TABLE archive_entries (
    archive  BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    peer     TEXT NOT NULL,
    resource TEXT NOT NULL,
    flags    BIGINT NOT NULL,
    stanza   BIGINT NOT NULL,
    PRIMARY KEY (archive, seq)
) /* without rowid */;

-- It has all that reading the messages with one peer needs.
CREATE INDEX archive_entries_peer ON archive_entries (archive, peer, seq, flags, stanza);
