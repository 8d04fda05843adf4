-- What answers cost, summed by user and UTC day in the change that ends them. A day's sum outlives the chats it is of.

CREATE TABLE usage_by_day (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    day TEXT NOT NULL,                      -- 2026-11-26
    answers BIGINT NOT NULL,
    estimated_answers BIGINT NOT NULL,      -- of which the provider did not say what they cost
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (user_id, day)
);
CREATE INDEX usage_of_day ON usage_by_day (day);
