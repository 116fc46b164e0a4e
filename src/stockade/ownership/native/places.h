/* The table: sets of five entries in two cache lines. An entry may stand in either of two sets, which its key says.
 *
 * Readers take no lock: words are read and written whole, and a key stands only where its owner stands already. Writers
 * take one lock for the whole table, which outlives them (see stores/table/lock.h). The owner's word is veiled with the
 * key, so that halves of two entries, should a writer be robbed of its lock, are nobody's. */
#pragma once
#include "../../stores/table/lock.h"
#include "../../native/siphash.h"

enum { WAYS = 5, VERSION = 1, KINDS = 256 };
static const char MAGIC[8] = "stkowner";

typedef struct { uint64_t name, since, owners, others; } kind_row;

typedef struct {
  char magic[8];
  uint32_t version, ways;
  uint64_t sets, key[2];
  lock lock;
  uint64_t used, evicted;
  volatile uint64_t moves;  /* entries that went from one set to the other */
  uint64_t keep;            /* hours: the longest that anybody wanted; 0: nobody said */
  uint64_t turns;           /* for generations, see edges.h */
  char rest[40];
  kind_row kinds[KINDS];
} header;

typedef struct { volatile uint64_t key, owner, data; } entry;  /* key 0: free */
typedef struct {
  uint64_t unused;
  entry entries[WAYS];
} set;
_Static_assert(sizeof(header) == 128 + 32 * KINDS && sizeof(set) == 128, "whole cache lines");

typedef struct {
  header *header;
  set *sets;
} table;

/* What an entry says besides: hours of the last handing, to its owner and to anybody; see edges.h for the rest. */
enum { HOUR_BITS = 20 };
#define HOUR_MASK ((UINT64_C(1) << HOUR_BITS) - 1)
static inline uint64_t last_own(uint64_t data) { return data >> 44; }
static inline uint64_t last_any(uint64_t data) { return data >> 24 & HOUR_MASK; }

static inline uint64_t veil(uint64_t key) { return turned(key, 29) * UINT64_C(0x9E3779B97F4A7C15); }

static inline uint64_t load(const volatile uint64_t *word, int order) { return __atomic_load_n(word, order); }
static inline void store(volatile uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

static inline set *first_set(const table *t, uint64_t key) {
  return &t->sets[((key & UINT32_MAX) * t->header->sets) >> 32];
}
static inline set *second_set(const table *t, uint64_t key) { return &t->sets[((key >> 32) * t->header->sets) >> 32]; }

typedef struct { entry *place; uint64_t owner, data; } seen;

/* The entry as it was at one moment; place NULL: there is none. */
static inline bool look_in(set *s, uint64_t key, seen *out) {
  for (int i = 0; i < WAYS; i++) {
    entry *e = &s->entries[i];
    while (load(&e->key, __ATOMIC_ACQUIRE) == key) {
      out->owner = load(&e->owner, __ATOMIC_RELAXED) ^ veil(key);
      out->data = load(&e->data, __ATOMIC_RELAXED);
      out->place = e;
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if (load(&e->key, __ATOMIC_RELAXED) == key) return true;
    }
  }
  return false;
}

static seen look(const table *t, uint64_t key) {
  seen found = {NULL, 0, 0};
  for (;;) {
    uint64_t moves = load(&t->header->moves, __ATOMIC_ACQUIRE);
    if (look_in(first_set(t, key), key, &found) || look_in(second_set(t, key), key, &found)) return found;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (load(&t->header->moves, __ATOMIC_RELAXED) == moves) return (seen){NULL, 0, 0};
  }
}

/* From here on the lock is held. */

static void fill(entry *e, uint64_t key, uint64_t owner, uint64_t data) {
  store(&e->key, 0);
  store(&e->owner, owner ^ veil(key));
  store(&e->data, data);
  store(&e->key, key);
}

/* Every copy: a writer that was killed as it moved the entry has left two. */
static bool clear(table *t, uint64_t key) {
  bool cleared = false;
  set *sets[2] = {first_set(t, key), second_set(t, key)};
  for (int i = 0; i < 2 * WAYS; i++) {
    entry *e = &sets[i / WAYS]->entries[i % WAYS];
    if (e->key != key) continue;
    store(&e->key, 0);
    t->header->used--;
    cleared = true;
  }
  return cleared;
}

static entry *free_in(set *s, int *count) {
  entry *found = NULL;
  *count = 0;
  for (int i = 0; i < WAYS; i++)
    if (s->entries[i].key == 0) {
      found = found ? found : &s->entries[i];
      ++*count;
    }
  return found;
}

/* One of the set's entries goes to its other set, where that has room. */
static entry *make_way(table *t, set *s) {
  for (int i = 0; i < WAYS; i++) {
    entry *e = &s->entries[i];
    uint64_t key = e->key;
    set *other = first_set(t, key) == s ? second_set(t, key) : first_set(t, key);
    int count;
    entry *room = other == s ? NULL : free_in(other, &count);
    if (room == NULL) continue;
    fill(room, key, e->owner ^ veil(key), e->data);
    store(&t->header->moves, t->header->moves + 1);
    store(&e->key, 0);
    return e;
  }
  return NULL;
}

static bool is_stale(const table *t, uint64_t age, uint64_t hour) {
  return t->header->keep != 0 && age + t->header->keep < hour;
}

/* Who gives way in two full sets: what is forgotten anyway; else the oldest of the same owner, so that whoever fills
 * the table pushes out what is his own; else the oldest. */
static entry *oldest(table *t, set *const sets[2], uint64_t owner, uint64_t hour) {
  entry *found = NULL;
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < 2 * WAYS; i++) {
    entry *e = &sets[i / WAYS]->entries[i % WAYS];
    uint64_t age = last_any(e->data);
    bool stale = is_stale(t, age, hour), own = (e->owner ^ veil(e->key)) == owner;
    uint64_t rank = (stale ? 0 : own ? UINT64_C(1) << 32 : UINT64_C(2) << 32) + age;
    if (rank >= best) continue;
    best = rank;
    found = e;
  }
  if (best >> 32 != 0) t->header->evicted++;
  return found;
}

static entry *room_for(table *t, set *const sets[2]) {
  int first, second;
  entry *a = free_in(sets[0], &first), *b = free_in(sets[1], &second);
  entry *room = first >= second ? a : b;
  if (room == NULL) room = make_way(t, sets[0]);
  return room != NULL ? room : make_way(t, sets[1]);
}

static void put(table *t, uint64_t key, uint64_t owner, uint64_t data, uint64_t hour) {
  set *const sets[2] = {first_set(t, key), second_set(t, key)};
  entry *room = room_for(t, sets);
  if (room == NULL)
    room = oldest(t, sets, owner, hour);
  else
    t->header->used++;
  fill(room, key, owner, data);
}

/* The same for what no entry shall give way to; whether there was room. */
static bool put_if_room(table *t, uint64_t key, uint64_t owner, uint64_t data) {
  set *const sets[2] = {first_set(t, key), second_set(t, key)};
  entry *room = room_for(t, sets);
  if (room == NULL) return false;
  t->header->used++;
  fill(room, key, owner, data);
  return true;
}
