-- What the server must remember about itself, such as the domain it was set up for.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
