-- What else readers are told of a change, as JSON: the notice of what was killed, the note of a correction, the slug that
-- was left behind. None for most.
ALTER TABLE changes ADD COLUMN details TEXT;
