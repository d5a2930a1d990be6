-- The links with which people may enter a room for members, and whom they do not let in, as JSON. Of the secret in a
-- link there is only the SHA-256.
CREATE TABLE muc_links (
    room  TEXT NOT NULL PRIMARY KEY REFERENCES muc_rooms (room) ON DELETE CASCADE,
    links TEXT NOT NULL
);
