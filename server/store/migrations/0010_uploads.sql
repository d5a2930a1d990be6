-- Files that people have uploaded, without what is in them. until is 0 for as long as the account is there.
CREATE TABLE uploads (
    id      TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    name    TEXT NOT NULL,
    type    TEXT NOT NULL,
    size    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    until   BIGINT NOT NULL
);

CREATE INDEX uploads_account ON uploads (account, until);

CREATE INDEX uploads_until ON uploads (until);
