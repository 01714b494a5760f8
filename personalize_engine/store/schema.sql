-- All of the engine's state but the learned arrays and the imported tables, which lie beside it as files.
-- Version 2 (PRAGMA user_version); a data folder with another version is refused.

CREATE TABLE resources (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation: what lists are sorted by
    arn            TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,
    name           TEXT,                               -- unique within its kind and scope
    scope          TEXT NOT NULL,                      -- '' (the account), or the ARN that names are unique in
    parent         TEXT,                               -- dataset group, dataset, solution or solution version
    status         TEXT NOT NULL,
    failure_reason TEXT,
    created        REAL NOT NULL,                      -- Unix seconds
    updated        REAL NOT NULL,
    body           TEXT NOT NULL                       -- JSON: the other members, as the API names them
);
CREATE UNIQUE INDEX resource_names ON resources (kind, scope, name);
CREATE INDEX resource_parents ON resources (kind, parent, seq);

CREATE TABLE jobs (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL,
    arn     TEXT NOT NULL,
    started REAL                                       -- NULL: waiting
);
CREATE INDEX job_resources ON jobs (arn);

CREATE TABLE progress (
    job     INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    done    INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    message TEXT NOT NULL
);

CREATE TABLE tags (
    arn   TEXT NOT NULL REFERENCES resources (arn) ON DELETE CASCADE,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;

CREATE TABLE events (                                  -- PutEvents
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,   -- a trained version has seen the events up to one of these
    dataset_group TEXT NOT NULL REFERENCES resources (arn) ON DELETE CASCADE,
    session_id    TEXT NOT NULL,
    user_id       TEXT,                                -- NULL: anonymous so far
    item_id       TEXT,
    at            INTEGER NOT NULL,                    -- Unix seconds
    event_type    TEXT NOT NULL,
    event_value   REAL,
    event_id      TEXT,
    properties    TEXT,                                -- JSON object by the schema's column names
    impression    TEXT,                                -- JSON array of item ids
    recommendation_id TEXT
);
-- seq is the last column of every index: a user's newest events are found without sorting.
CREATE INDEX event_users ON events (dataset_group, user_id, at);
CREATE INDEX event_sessions ON events (dataset_group, session_id, at) WHERE user_id IS NULL;
CREATE UNIQUE INDEX event_ids ON events (dataset_group, event_id) WHERE event_id IS NOT NULL;

CREATE TABLE records (                                 -- PutItems, PutUsers
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,      -- replaced with the row: tells whether anything has changed
    dataset    TEXT NOT NULL REFERENCES resources (arn) ON DELETE CASCADE,
    id         TEXT NOT NULL,
    properties TEXT NOT NULL,                          -- JSON object by the schema's column names
    at         REAL NOT NULL,
    UNIQUE (dataset, id)
);
CREATE INDEX record_order ON records (dataset, seq);
