-- How often a user may ask, whichever node they ask: until when the questions so far use up the rate, in Unix
-- milliseconds. Each question moves it on by its share of a minute; a time in the past means that nothing is used up.

ALTER TABLE users ADD COLUMN asked_until BIGINT NOT NULL DEFAULT 0;
