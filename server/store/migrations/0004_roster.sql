-- Contacts (RFC 6121 section 2). An account is named by its localpart.
CREATE TABLE roster (
    account TEXT NOT NULL PRIMARY KEY,
    -- Versions of another epoch mean nothing: they are of an earlier account of this name, or of
    -- a time after the backup that this database was restored from.
    epoch   TEXT NOT NULL,
    ver     BIGINT NOT NULL,
    -- What was removed up to this version is forgotten.
    horizon BIGINT NOT NULL
);

-- A row that is not listed remembers a removal for clients that have an older version.
CREATE TABLE roster_items (
    account    TEXT NOT NULL,
    contact    TEXT NOT NULL,
    ver        BIGINT NOT NULL,
    listed     BOOLEAN NOT NULL,
    name       TEXT NOT NULL,
    group_list TEXT NOT NULL,
    sub_to     BOOLEAN NOT NULL,
    sub_from   BOOLEAN NOT NULL,
    asked      BOOLEAN NOT NULL,
    approved   BOOLEAN NOT NULL,
    PRIMARY KEY (account, contact)
) /* without rowid */;

-- Subscription requests that the account has not answered, whether the contact is listed or not.
CREATE TABLE roster_requests (
    account TEXT NOT NULL,
    contact TEXT NOT NULL,
    stanza  TEXT NOT NULL,
    PRIMARY KEY (account, contact)
) /* without rowid */;
