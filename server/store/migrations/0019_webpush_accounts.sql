-- Several accounts of one browser share its endpoint: each is woken at it by a node of its own.
CREATE TABLE webpush_subscriptions_new (
    node        TEXT NOT NULL PRIMARY KEY,
    account     TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    browser_key TEXT NOT NULL,
    auth        TEXT NOT NULL,
    at          BIGINT NOT NULL,
    UNIQUE (endpoint, account)
);

INSERT INTO webpush_subscriptions_new (node, account, endpoint, browser_key, auth, at)
SELECT node, account, endpoint, browser_key, auth, at FROM webpush_subscriptions;

DROP TABLE webpush_subscriptions;

ALTER TABLE webpush_subscriptions_new RENAME TO webpush_subscriptions;

CREATE INDEX webpush_subscriptions_account ON webpush_subscriptions (account, at);

CREATE INDEX webpush_subscriptions_at ON webpush_subscriptions (at);
