-- From whom the owner of an account takes messages, where that is not from everybody.
CREATE TABLE account_privacy (
    account  TEXT NOT NULL PRIMARY KEY,
    messages TEXT NOT NULL
);
