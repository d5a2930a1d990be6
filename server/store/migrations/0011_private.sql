-- Pieces of XML that clients store for themselves (XEP-0049), by their namespace and name.
CREATE TABLE private_xml (
    account TEXT NOT NULL,
    space   TEXT NOT NULL,
    name    TEXT NOT NULL,
    xml     TEXT NOT NULL,
    PRIMARY KEY (account, space, name)
);
