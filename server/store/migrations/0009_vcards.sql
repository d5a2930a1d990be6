-- vCards as clients of vcard-temp (XEP-0054) have set them, without their pictures.
CREATE TABLE vcards (
    account TEXT NOT NULL PRIMARY KEY,
    vcard   TEXT NOT NULL
);
