/* The table: sets of five buckets, each set with its lock in two cache lines, which processors fetch together.
 *
 * A bucket may stand in one set only, which its name's hash says. Where the set is full of live ones, the one that is
 * over soonest gives way: whoever fills the table on purpose only makes those forgotten that had little to remember. */
#pragma once
#include "lock.h"
#include "measures.h"
#include "../../native/siphash.h"

enum { WAYS = 5, VERSION = 1 };
static const char MAGIC[8] = "stockade";

typedef struct {
  char magic[8];
  uint32_t version, ways;
  uint64_t sets;  /* a power of two */
  uint64_t key[2];
  char rest[88];
} header;

typedef struct { volatile uint64_t key, when, used; } entry;  /* key 0: free */
typedef struct {
  lock lock;
  entry entries[WAYS];
} set;
_Static_assert(sizeof(header) == 128 && sizeof(set) == 128, "two cache lines each");

typedef struct {
  header *header;
  set *sets;
  size_t size;       /* bytes that are mapped */
  uint64_t evicted;  /* live buckets that gave way to ours */
} table;

/* A bucket's key is the hash of its name, and says by its last bit what is measured: one name may have both. */
static uint64_t key_of(const table *t, kind kind, const char *name, size_t length) {
  uint64_t key = (siphash(t->header->key, name, length) & ~UINT64_C(1)) | kind;
  return key ? key : 2;
}
static kind kind_of(uint64_t key) { return key & 1 ? ALLOWANCE : PACE; }
static set *set_of(const table *t, uint64_t key) { return &t->sets[key >> 1 & (t->header->sets - 1)]; }

static entry *find(set *s, uint64_t key) {
  for (int i = 0; i < WAYS; i++)
    if (s->entries[i].key == key) return &s->entries[i];
  return NULL;
}

static state look_up(set *s, uint64_t key) {
  const entry *e = find(s, key);
  return e == NULL ? (state){0, 0} : (state){e->when, e->used};
}

/* A free place, or that of the bucket that is over soonest. */
static entry *make_room(table *t, set *s, int64_t now) {
  entry *room = NULL;
  uint64_t soonest = UINT64_MAX;
  for (int i = 0; i < WAYS; i++) {
    entry *e = &s->entries[i];
    uint64_t end = e->key == 0 ? 0 : over(kind_of(e->key), (state){e->when, e->used});
    if (room == NULL || end < soonest) {
      room = e;
      soonest = end;
    }
  }
  if (soonest > (uint64_t)now) t->evicted++;
  return room;
}

/* Whenever we are killed in here, what stands in the set is sound: at worst the bucket is forgotten. */
static void put(table *t, set *s, uint64_t key, state after, int64_t now) {
  entry *e = find(s, key);
  if (e == NULL) {
    e = make_room(t, s, now);
    e->key = 0;
  }
  e->when = after.when;
  e->used = after.used;
  e->key = key;
}
