-- What waits for other servers. seq is given by federation, and is the order of each pair of domains.
CREATE TABLE s2s_queue (
    seq    BIGINT PRIMARY KEY,
    local  TEXT NOT NULL,
    remote TEXT NOT NULL,
    at     BIGINT NOT NULL,
    until  BIGINT NOT NULL,
    stanza TEXT NOT NULL
);

CREATE INDEX s2s_queue_link ON s2s_queue (local, remote, seq);

-- What is known of other servers, by domain, as JSON.
CREATE TABLE s2s_peers (
    domain TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL
) /* without rowid */;
