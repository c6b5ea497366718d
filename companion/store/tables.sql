-- The tables of the journal's database, by the migrations that made them; `PRAGMA user_version`
-- counts them. Each begins with a line of its number; see sqlite.read_migrations.

-- 1
-- Images have a table of their own, so that they can be deleted while the history stays.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    made_at REAL NOT NULL,
    before_sha256 TEXT NOT NULL,
    after_sha256 TEXT NOT NULL,
    edits TEXT NOT NULL,
    needs TEXT NOT NULL,
    model TEXT NOT NULL,
    note TEXT NOT NULL,
    undoes INTEGER REFERENCES changes (id)
);
CREATE INDEX changes_of_path ON changes (path);
CREATE INDEX changes_of_run ON changes (run);
CREATE INDEX undoing_changes ON changes (undoes) WHERE undoes IS NOT NULL;
CREATE UNIQUE INDEX pending_paths ON changes (path) WHERE state = 'pending';
CREATE TABLE images (change INTEGER PRIMARY KEY, before BLOB NOT NULL);
CREATE TABLE asked (
    path TEXT NOT NULL,
    need TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_at REAL NOT NULL,
    change INTEGER,
    PRIMARY KEY (path, need)
) WITHOUT ROWID;

-- 2
-- Which edits an undo takes back (parts), and which of a change are undone (taken).
ALTER TABLE changes ADD COLUMN parts TEXT;
ALTER TABLE changes ADD COLUMN taken TEXT NOT NULL DEFAULT '[]';
UPDATE changes SET taken = (SELECT json_group_array(key) FROM json_each(edits))
WHERE state = 'undone';

-- 3
-- A fingerprint of each note, by which it is found again after it was moved.
CREATE TABLE notes (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    seen_at REAL NOT NULL
) WITHOUT ROWID;
INSERT INTO notes SELECT path, after_sha256, -1, 0, made_at FROM changes
WHERE id IN (SELECT max(id) FROM changes WHERE state != 'abandoned' GROUP BY path);
INSERT OR IGNORE INTO notes SELECT DISTINCT path, '', -1, 0, 0 FROM asked;

-- 4
-- row: a row of `changes` as JSON; before: NULL once the offer is confirmed.
CREATE TABLE offers (
    key TEXT NOT NULL,
    before_sha256 TEXT NOT NULL,
    after_sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    made_at REAL NOT NULL,
    row TEXT NOT NULL,
    before BLOB,
    change INTEGER,
    PRIMARY KEY (key, before_sha256, after_sha256)
);

-- 5
-- Long values come last, so that a scan of the others does not read them. The text of the notes
-- has a table of its own, as all proposals for a note share it. What the table `asked` remembers
-- of older versions is moved.
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    need TEXT NOT NULL,
    kind TEXT NOT NULL,
    heading TEXT,
    state TEXT NOT NULL,
    flags TEXT NOT NULL DEFAULT '[]',
    why TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    rejection TEXT NOT NULL DEFAULT '',
    remark TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    prompt TEXT NOT NULL DEFAULT '',
    source_sha256 TEXT NOT NULL DEFAULT '',
    tokens TEXT NOT NULL DEFAULT '[0,0]',
    run TEXT NOT NULL DEFAULT '',
    made_at REAL NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL,
    change INTEGER REFERENCES changes (id),
    waits INTEGER NOT NULL DEFAULT 0,
    options TEXT NOT NULL DEFAULT '{}',
    place TEXT,
    value TEXT,
    answer TEXT,
    sentences TEXT NOT NULL DEFAULT '[]',
    evidence TEXT
);
CREATE UNIQUE INDEX open_proposals ON proposals (path, need) WHERE state = 'open';
CREATE INDEX proposals_of_need ON proposals (path, need);
CREATE INDEX proposals_of_run ON proposals (run);
CREATE INDEX proposals_of_change ON proposals (change) WHERE change IS NOT NULL;
CREATE INDEX proposals_of_source ON proposals (source_sha256);
CREATE TABLE proposal_sources (sha256 TEXT PRIMARY KEY, text BLOB NOT NULL);
ALTER TABLE changes ADD COLUMN proposals TEXT NOT NULL DEFAULT '[]';
ALTER TABLE changes ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
INSERT INTO proposals (path, need, kind, heading, state, flags, reason, rejection,
model, run, made_at, decided_by, decided_at, change)
SELECT asked.path, need, iif(need GLOB 'callout:*', 'callout', need),
iif(need GLOB 'callout:section:*', substr(need, 17), NULL),
CASE WHEN outcome != 'written' THEN 'rejected'
    WHEN changes.state = 'undone' THEN 'refused' ELSE 'accepted' END,
iif(outcome = 'proposed', '["new-value"]', '[]'), reason,
CASE outcome WHEN 'written' THEN '' WHEN 'rejected' THEN 'no answer' ELSE 'nothing' END,
coalesce(model, ''), coalesce(run, ''), asked_at, iif(outcome = 'written', 'setting', ''),
asked_at, changes.id
FROM asked LEFT JOIN changes ON changes.id = asked.change ORDER BY asked_at;
DROP TABLE asked;

-- 6
-- Questions in files, or at a provider.
CREATE TABLE batches (
    id TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    made_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'making',
    model TEXT NOT NULL,
    provider TEXT
) WITHOUT ROWID;
CREATE TABLE batch_calls (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL REFERENCES batches (id),
    state TEXT NOT NULL DEFAULT 'out',
    proposals TEXT NOT NULL,
    keys TEXT NOT NULL,
    max_tokens INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX calls_of_batch ON batch_calls (batch, state);

-- 7
-- The inbox lists the open ones, and counts those with flags.
CREATE INDEX open_by_flags ON proposals (flags != '[]', id) WHERE state = 'open';

-- 8
-- When a note was last seen to be missing, Unix time.
ALTER TABLE notes ADD COLUMN gone_at REAL NOT NULL DEFAULT 0;

-- 9
-- What the user made of a value that they accepted; the model's stays in `value`.
ALTER TABLE proposals ADD COLUMN edited TEXT;

-- 10
-- row, before: as in offers, of the edits that were given last. requested: the edits are to be
-- made, by an editor or once the note is closed; else they are only for who asked for them. What an
-- older version was to do in editors waits in the outbox.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    requested INTEGER NOT NULL DEFAULT 0,
    run TEXT NOT NULL DEFAULT '',
    undoes INTEGER,
    proposals TEXT NOT NULL DEFAULT '[]',
    decided_by TEXT NOT NULL DEFAULT '',
    deadline REAL NOT NULL DEFAULT 0,
    made_at REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '',
    before_sha256 TEXT,
    after_sha256 TEXT,
    row TEXT,
    before BLOB,
    change INTEGER,
    UNIQUE (key, before_sha256, after_sha256)
);
CREATE INDEX open_requests ON outbox (id)
WHERE requested AND state IN ('waiting', 'given');
INSERT INTO outbox
(key, path, state, undoes, made_at, before_sha256, after_sha256, row, before, change)
SELECT key, path, iif(change IS NULL, 'given', 'made'), json_extract(row, '$.undoes'), made_at,
before_sha256, after_sha256, row, before, change FROM offers ORDER BY rowid;
DROP TABLE offers;

-- 11
-- What an older version left to editors, and had accepted again at its next start.
INSERT INTO outbox (key, path, state, requested, run, proposals, decided_by, made_at)
SELECT '', path, 'waiting', 1, strftime('%Y%m%d-%H%M%S-0000'), json_group_array(id), decided_by,
strftime('%s') FROM proposals WHERE state = 'open' AND decided_by != ''
GROUP BY path, decided_by;
UPDATE outbox SET key = 'outbox ' || id WHERE key = '';

-- 12
-- Requests that must not be done twice; answer: NULL until there is one.
CREATE TABLE request_keys (
    key TEXT PRIMARY KEY,
    body_sha256 TEXT NOT NULL,
    made_at REAL NOT NULL,
    answer TEXT
) WITHOUT ROWID;

-- 13
-- Each costs a page of the log for every note, and no query is faster by them.
DROP INDEX IF EXISTS changes_of_run;
DROP INDEX IF EXISTS proposals_of_run;
DROP INDEX IF EXISTS proposals_of_source;

-- 14
-- What the author teaches is looked up for each note that a larger model is asked about.
CREATE INDEX corrected_proposals ON proposals (decided_at, id)
WHERE state = 'accepted' AND decided_by = 'user' AND edited IS NOT NULL;

-- 15
-- By which run proposals were refused, so that it can be taken back; what a change that waits in
-- the outbox says beside its values.
ALTER TABLE proposals ADD COLUMN decided_in TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN remark TEXT NOT NULL DEFAULT '';
