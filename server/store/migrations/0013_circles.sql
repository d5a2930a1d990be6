-- Circles: people who are contacts of each other and share a room. An account is named by its localpart.
-- A circle that is removed stays until what came of it is undone.
CREATE TABLE circles (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    room       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    removed    BOOLEAN NOT NULL
);

-- state is 0 for who is to be brought together with the others, 1 for who is, 2 for who is to be parted
-- from them.
CREATE TABLE circle_members (
    circle  TEXT NOT NULL REFERENCES circles (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    state   BIGINT NOT NULL,
    PRIMARY KEY (circle, account)
);

CREATE INDEX circle_members_account ON circle_members (account);

-- A subscription that a circle has made, which ends with it.
ALTER TABLE roster_items ADD COLUMN tied BOOLEAN NOT NULL DEFAULT FALSE;

-- What an account gets that is made with an invite, separated by spaces: circles by id, guardians by localpart.
ALTER TABLE account_invites ADD COLUMN circles TEXT NOT NULL DEFAULT '';
ALTER TABLE account_invites ADD COLUMN guardians TEXT NOT NULL DEFAULT '';

-- The accounts whose role is limited and whose contacts were looked at when it became so.
CREATE TABLE guardian_children (
    child TEXT NOT NULL PRIMARY KEY
);

-- Who decides for such an account.
CREATE TABLE guardians (
    child    TEXT NOT NULL,
    guardian TEXT NOT NULL,
    PRIMARY KEY (child, guardian)
);

CREATE INDEX guardians_guardian ON guardians (guardian);

-- Whom such an account may talk to. room is set for a room.
CREATE TABLE guardian_approvals (
    child       TEXT NOT NULL,
    peer        TEXT NOT NULL,
    room        BOOLEAN NOT NULL,
    approved_by TEXT NOT NULL,
    approved_at BIGINT NOT NULL,
    PRIMARY KEY (child, peer)
);

-- What waits for a guardian, with the stanza that is held back; and what was refused, for a while.
CREATE TABLE guardian_requests (
    child     TEXT NOT NULL,
    peer      TEXT NOT NULL,
    outgoing  BOOLEAN NOT NULL,
    room      BOOLEAN NOT NULL,
    stanza    TEXT NOT NULL,
    asked_at  BIGINT NOT NULL,
    denied_at BIGINT NOT NULL,
    PRIMARY KEY (child, peer, outgoing)
);
