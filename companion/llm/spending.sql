-- The tables of daily spending, by the migrations that made them; see sqlite.read_migrations.

-- 1
CREATE TABLE days (
    day TEXT PRIMARY KEY,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    microdollars INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    calls INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE notes (
    day TEXT NOT NULL,
    vault TEXT NOT NULL,
    notes INTEGER NOT NULL,
    PRIMARY KEY (day, vault)
) WITHOUT ROWID;

-- 2
-- Tables of calls and limits a minute, which are in memory now.

-- 3
DROP TABLE IF EXISTS turns;
DROP TABLE IF EXISTS reported_limits;

-- 4
CREATE TABLE IF NOT EXISTS models (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    microdollars INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;

-- 5
-- One table in place of two. The calls of a day that are not in `models` are of no known model.
CREATE TABLE spending (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    microdollars INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;
INSERT INTO spending SELECT * FROM models;
INSERT INTO spending SELECT day, '', max(0, all_of.input_tokens - sum(m.input_tokens)),
    max(0, all_of.output_tokens - sum(m.output_tokens)),
    max(0, all_of.microdollars - sum(m.microdollars)),
    max(0, all_of.unpriced - sum(m.unpriced)), max(0, all_of.calls - sum(m.calls))
    FROM days AS all_of JOIN (SELECT * FROM models
        UNION ALL SELECT day, '', 0, 0, 0, 0, 0 FROM days) AS m USING (day) GROUP BY day;
DROP TABLE models;
DROP TABLE days;
