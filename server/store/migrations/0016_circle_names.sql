-- The names that a circle had and that its members' rosters may still have, each with a line feed at its end.
ALTER TABLE circles ADD COLUMN names TEXT NOT NULL DEFAULT '';
