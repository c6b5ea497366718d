-- The tables of the journal's database.
-- Images have a table of their own, so that they can be deleted while the history stays.
-- parts: which edits of another change an undo takes back; taken: which of its own are undone.
-- outbox: the row whose edits an editor makes.
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
    undoes INTEGER REFERENCES changes (id),
    parts TEXT,
    taken TEXT NOT NULL DEFAULT '[]',
    proposals TEXT NOT NULL DEFAULT '[]',
    decided_by TEXT NOT NULL DEFAULT '',
    outbox INTEGER
);
CREATE INDEX changes_of_path ON changes (path);
CREATE INDEX offered_changes ON changes (outbox) WHERE outbox IS NOT NULL;
CREATE INDEX undoing_changes ON changes (undoes) WHERE undoes IS NOT NULL;
CREATE UNIQUE INDEX pending_paths ON changes (path) WHERE state = 'pending';
CREATE TABLE images (change INTEGER PRIMARY KEY, before BLOB NOT NULL);
-- A fingerprint of each note, by which it is found again after it was moved.
CREATE TABLE notes (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;
-- The moves of notes that were found, for work that began before.
CREATE TABLE moves (id INTEGER PRIMARY KEY AUTOINCREMENT, old TEXT, new TEXT, at REAL NOT NULL);
-- need: its key; place: all of it. Long values come last, so that a scan of the others does not
-- read them. The text of the notes has a table of its own, as all proposals for a note share it.
-- decided_in: the run that refused it. answer, shown: of a question in a batch.
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    need TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    state TEXT NOT NULL,
    flags TEXT NOT NULL,
    reason TEXT NOT NULL,
    remark TEXT NOT NULL,
    model TEXT NOT NULL,
    run TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    made_at REAL NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL,
    decided_in TEXT NOT NULL DEFAULT '',
    change INTEGER REFERENCES changes (id),
    waits INTEGER NOT NULL,
    value TEXT,
    answer TEXT,
    shown TEXT
);
CREATE UNIQUE INDEX open_proposals ON proposals (path, need) WHERE state = 'open';
CREATE INDEX proposals_of_need ON proposals (path, need);
CREATE INDEX proposals_of_change ON proposals (change) WHERE change IS NOT NULL;
-- The inbox lists the open ones, and counts those with flags.
CREATE INDEX open_by_flags ON proposals (flags != '[]', id) WHERE state = 'open';
CREATE TABLE proposal_sources (sha256 TEXT PRIMARY KEY, text BLOB NOT NULL);
-- Questions that are lines of a batch.
CREATE INDEX questions_in_batches ON proposals (json_extract(answer, '$[0]'))
WHERE state = 'asked';
-- What open notes' editors are to make: an undo, or the values of proposals.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    run TEXT NOT NULL,
    undoes INTEGER,
    proposals TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    deadline REAL NOT NULL,
    made_at REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '',
    change INTEGER
);
-- What processes must know of each other: which notes an editor shows, and which needs are being
-- asked for. pid: of the process that asks.
CREATE TABLE presence (
    client TEXT NOT NULL,
    folded TEXT NOT NULL,
    path TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (client, folded)
) WITHOUT ROWID;
CREATE TABLE claims (
    path TEXT NOT NULL,
    need TEXT NOT NULL,
    owner TEXT NOT NULL,
    pid INTEGER NOT NULL,
    asked_until REAL NOT NULL,
    PRIMARY KEY (path, need)
) WITHOUT ROWID;
-- Notes that need something, and whether they may be filled in the background.
CREATE TABLE backlog (
    path TEXT PRIMARY KEY,
    consent TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    added_at REAL NOT NULL
) WITHOUT ROWID;
