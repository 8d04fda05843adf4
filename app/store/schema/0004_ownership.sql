-- Whether a node lives is decided by one clock, the database's, whatever the clocks of the nodes say.

-- sqlite: CREATE VIEW database_clock AS
-- sqlite:     SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now_ms;
-- postgresql: CREATE VIEW database_clock AS
-- postgresql:     SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms;

-- Every second each node looks at what it owns, and at what nobody owns any more.
CREATE INDEX streams_of_node ON streams (node) WHERE status IN ('streaming', 'stopping');
