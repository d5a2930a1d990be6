-- Where apps want to be woken (XEP-0357). failed is 0 while the service does not refuse.
CREATE TABLE push_registrations (
    account  TEXT NOT NULL,
    service  TEXT NOT NULL,
    node     TEXT NOT NULL,
    client   TEXT NOT NULL,
    resource TEXT NOT NULL,
    options  TEXT NOT NULL,
    at       BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (account, service, node)
);
