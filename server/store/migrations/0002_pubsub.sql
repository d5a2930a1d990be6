-- Personal eventing (XEP-0163): what accounts publish.
CREATE TABLE pubsub_nodes (
    account TEXT NOT NULL,
    node    TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    config  TEXT NOT NULL,
    PRIMARY KEY (account, node)
);

-- Who else stands in a relation to a node: affiliation is '' for one who only subscribed.
CREATE TABLE pubsub_others (
    account     TEXT NOT NULL,
    node        TEXT NOT NULL,
    jid         TEXT NOT NULL,
    affiliation TEXT NOT NULL,
    subscribed  BOOLEAN NOT NULL,
    PRIMARY KEY (account, node, jid),
    FOREIGN KEY (account, node) REFERENCES pubsub_nodes (account, node) ON DELETE CASCADE
);

-- seq is the order of publication within the node; an item published again becomes the newest.
CREATE TABLE pubsub_items (
    account   TEXT NOT NULL,
    node      TEXT NOT NULL,
    item      TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    publisher TEXT NOT NULL,
    at        BIGINT NOT NULL,
    payload   TEXT NOT NULL,
    PRIMARY KEY (account, node, item),
    FOREIGN KEY (account, node) REFERENCES pubsub_nodes (account, node) ON DELETE CASCADE
);

CREATE INDEX pubsub_items_order ON pubsub_items (account, node, seq);
