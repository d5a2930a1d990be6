-- Addresses that an account has blocked (XEP-0191).
CREATE TABLE blocked (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (account, address)
) /* without rowid */;
