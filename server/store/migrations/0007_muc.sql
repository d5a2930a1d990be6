-- Rooms of group chat (XEP-0045), by localpart. config and hats are JSON. listed and persistent repeat
-- what the configuration says, title its name.
CREATE TABLE muc_rooms (
    room         TEXT NOT NULL PRIMARY KEY,
    title        TEXT NOT NULL,
    listed       BOOLEAN NOT NULL,
    persistent   BOOLEAN NOT NULL,
    config       TEXT NOT NULL,
    salt         BYTEA NOT NULL,
    hats         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    subject_from TEXT NOT NULL,
    subject_by   TEXT NOT NULL,
    subject_at   BIGINT NOT NULL
);

-- Whom a room lists: users, and domains as a whole. affiliation is -1 for outcasts, 1 for members, 2 for
-- admins, 3 for owners.
CREATE TABLE muc_affiliations (
    room        TEXT NOT NULL REFERENCES muc_rooms (room) ON DELETE CASCADE,
    jid         TEXT NOT NULL,
    affiliation BIGINT NOT NULL,
    nick        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (room, jid)
) /* without rowid */;

CREATE INDEX muc_affiliations_jid ON muc_affiliations (jid, affiliation);

-- The vCard of a room, and the SHA-1 of each picture in it, as JSON.
CREATE TABLE muc_avatars (
    room   TEXT NOT NULL PRIMARY KEY REFERENCES muc_rooms (room) ON DELETE CASCADE,
    vcard  TEXT NOT NULL,
    hashes TEXT NOT NULL
);
