-- Where browsers are woken (RFC 8030), and the keys that they gave for it (RFC 8291) in base64url.
CREATE TABLE webpush_subscriptions (
    node        TEXT NOT NULL PRIMARY KEY,
    account     TEXT NOT NULL,
    endpoint    TEXT NOT NULL UNIQUE,
    browser_key TEXT NOT NULL,
    auth        TEXT NOT NULL,
    at          BIGINT NOT NULL
);

CREATE INDEX webpush_subscriptions_account ON webpush_subscriptions (account, at);

CREATE INDEX webpush_subscriptions_at ON webpush_subscriptions (at);
