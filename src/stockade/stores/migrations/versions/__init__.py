"""One file per revision, called after its id; the next one's `down_revision` is the last one's id."""
