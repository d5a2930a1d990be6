-- For the list of conversations (XEP-0430): flag 8 of an entry says that it is no message which a person
-- is to read, flag 16 that it says that another one was displayed (XEP-0333). What is there already is told
-- by its text, as well as that can be.
UPDATE archive_entries SET flags = flags + 8 WHERE stanza IN (
    SELECT id FROM archive_stanzas WHERE stanza LIKE '%urn:xmpp:message-correct:0%' OR stanza LIKE '%urn:xmpp:reactions:0%'
        OR stanza LIKE '%urn:xmpp:message-retract:%' OR stanza LIKE '%<displayed%urn:xmpp:chat-markers:0%'
        OR stanza LIKE '%<received%urn:xmpp:%' OR stanza LIKE '%urn:xmpp:jingle-message:0%'
        OR (stanza NOT LIKE '%<body%' AND stanza NOT LIKE '%<payload%'));

UPDATE archive_entries SET flags = flags + 16 WHERE flags >= 8 AND stanza IN (
    SELECT id FROM archive_stanzas WHERE stanza LIKE '%<displayed%urn:xmpp:chat-markers:0%');
