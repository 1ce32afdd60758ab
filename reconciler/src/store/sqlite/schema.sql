-- What is there to know about the store itself: format, lineage, moment.
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT;

-- The epoch of each shard's owner: an owner of an older one writes nothing any more.
CREATE TABLE barrier (
  shard INTEGER NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL
) STRICT;

-- Desired state, status, runs and journals of applies. A version is a counter and the operation that made it.
CREATE TABLE record (
  key TEXT NOT NULL PRIMARY KEY,
  counter INTEGER NOT NULL,
  op TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

-- Every transition and every command, in the order of commit. Times are milliseconds since 1970.
CREATE TABLE history (
  position INTEGER NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (subject, sequence)
) STRICT;
CREATE INDEX history_subject ON history (subject);

-- The last transactions, with the counters that they wrote: answers "was it done?". The oldest are forgotten.
CREATE TABLE commits (
  moment INTEGER NOT NULL PRIMARY KEY,
  op TEXT NOT NULL UNIQUE,
  counters TEXT NOT NULL
) STRICT;

-- Which records changed last, in order: answers "what is new?". The oldest are forgotten.
CREATE TABLE changes (
  place INTEGER NOT NULL PRIMARY KEY,
  moment INTEGER NOT NULL,
  key TEXT NOT NULL
) STRICT;
CREATE INDEX changes_moment ON changes (moment);
