/* Who was handed what. An object's first owner stands in its own entry; every other has an entry of its own, which
 * object, owner and generation together lead to. The object's entry counts them.
 *
 *     data: hour of the last handing to the first owner, 20 bits | to anybody, 20 | others, 8 | generation, 16
 *
 * Who forgets an object only takes its entry: the others' are of a generation that nobody can guess to come again. */
#pragma once
#include "places.h"

enum { MOST_OTHERS = 255 };
enum { MINE = -1, UNKNOWN = 0 };  /* more: to how many others it was given */
enum { ANOTHERS = -1, KNOWN = 0, NEW = 1 };

typedef struct { uint64_t hour, oldest; } moment;

static inline uint64_t others_of(uint64_t data) { return data >> 16 & 255; }
static inline uint64_t generation_of(uint64_t data) { return data & 65535; }
static inline uint64_t said(uint64_t own, uint64_t any, uint64_t others, uint64_t generation) {
  return own << 44 | any << 24 | (others > MOST_OTHERS ? MOST_OTHERS : others) << 16 | generation;
}

static inline uint64_t digest(const table *t, const char *text, size_t length) {
  return siphash(t->header->key, text, length);
}
static uint64_t joint(const table *t, uint64_t a, uint64_t b, uint64_t c) {
  uint64_t words[3] = {a, b, c}, key = siphash(t->header->key, (const char *)words, sizeof words);
  return key ? key : 1;
}
static inline uint64_t object_key(const table *t, uint64_t kind, uint64_t id) { return joint(t, kind, id, 0); }
static inline uint64_t other_key(const table *t, uint64_t object, uint64_t owner, uint64_t data) {
  return joint(t, object, owner, 1 + generation_of(data));
}

static bool is_owner(const uint64_t *owners, int count, uint64_t owner) {
  for (int i = 0; i < count; i++)
    if (owners[i] == owner) return true;
  return false;
}

static bool is_other(const table *t, uint64_t object, uint64_t owner, uint64_t data, uint64_t oldest) {
  seen other = look(t, other_key(t, object, owner, data));
  return other.place != NULL && other.owner == owner && last_own(other.data) >= oldest;
}

static int find(const table *t, uint64_t object, const uint64_t *owners, int count, uint64_t oldest) {
  seen o = look(t, object);
  if (o.place == NULL || last_any(o.data) < oldest) return UNKNOWN;
  bool first = o.owner != 0 && last_own(o.data) >= oldest;
  if (first && is_owner(owners, count, o.owner)) return MINE;
  int others = (int)others_of(o.data);
  for (int i = 0; others > 0 && i < count; i++)
    if (is_other(t, object, owners[i], o.data, oldest)) return MINE;
  return others + first;
}

static uint64_t generation(table *t) { return joint(t, ++t->header->turns, t->header->used, UINT64_MAX) & 65535; }

static int hold_anew(table *t, seen o, uint64_t object, uint64_t owner, uint64_t hour) {
  uint64_t data = said(hour, hour, 0, generation(t));
  if (o.place != NULL)
    fill(o.place, object, owner, data);
  else
    put(t, object, owner, data, hour);
  return NEW;
}

static int hold_besides(table *t, seen o, uint64_t object, uint64_t owner, moment at) {
  uint64_t key = other_key(t, object, owner, o.data), others = others_of(o.data);
  seen other = look(t, key);
  bool fresh = other.place != NULL && last_own(other.data) >= at.oldest;
  /* The object's entry goes first: who is killed after it leaves one other too many, whom nobody is. */
  store(&o.place->data, said(last_own(o.data), at.hour, others + (other.place == NULL), generation_of(o.data)));
  if (other.place != NULL)
    store(&other.place->data, said(at.hour, at.hour, 0, 0));
  else
    put(t, key, owner, said(at.hour, at.hour, 0, 0), at.hour);
  return fresh ? KNOWN : NEW;
}

/* It is (also) the owner's from now on; exclusive: unless it is another's alone. What is known this hour already is not
 * written again. */
static int hold_edge(table *t, uint64_t object, uint64_t owner, moment at, bool exclusive) {
  seen o = look(t, object);
  if (o.place == NULL || last_any(o.data) < at.oldest) return hold_anew(t, o, object, owner, at.hour);
  if (exclusive && find(t, object, &owner, 1, at.oldest) > 0) return ANOTHERS;
  bool first = o.owner != 0 && last_own(o.data) >= at.oldest;
  if (first && o.owner == owner) {
    if (last_own(o.data) < at.hour)
      store(&o.place->data, said(at.hour, at.hour, others_of(o.data), generation_of(o.data)));
    return KNOWN;
  }
  if (first || (others_of(o.data) && is_other(t, object, owner, o.data, at.oldest)))
    return hold_besides(t, o, object, owner, at);
  fill(o.place, object, owner, said(at.hour, at.hour, others_of(o.data), generation_of(o.data)));
  return NEW;
}

/* It is no longer the owner's. */
static bool drop(table *t, uint64_t object, uint64_t owner) {
  seen o = look(t, object);
  if (o.place == NULL) return false;
  uint64_t own = last_own(o.data), others = others_of(o.data);
  bool dropped = false;
  if (clear(t, other_key(t, object, owner, o.data))) {
    dropped = true;
    if (others > 0 && others < MOST_OTHERS) others--;
  }
  if (o.owner == owner) {
    dropped = true;
    o.owner = 0;
    own = 0;
  }
  if (!dropped) return false;
  uint64_t data = said(own, last_any(o.data), others, generation_of(o.data));
  clear(t, object);
  if (o.owner != 0 || others != 0) put(t, object, o.owner, data, last_any(o.data));
  return true;
}

/* The hour of the last handing to that owner; 0: none. */
static uint64_t last_handed(const table *t, uint64_t object, uint64_t owner) {
  seen o = look(t, object);
  if (o.place == NULL) return 0;
  if (o.owner == owner) return last_own(o.data);
  seen other = look(t, other_key(t, object, owner, o.data));
  return other.place != NULL ? last_own(other.data) : 0;
}

/* Statistics of a kind of objects. When there are too many, the last share a row. */
static kind_row *row_of(table *t, uint64_t kind, bool make) {
  for (int i = 0; i < KINDS; i++) {
    kind_row *row = &t->header->kinds[(kind + (uint64_t)i) % KINDS];
    if (row->name == kind) return row;
    if (row->name != 0) continue;
    if (!make) return NULL;
    row->name = kind;
    return row;
  }
  return &t->header->kinds[KINDS - 1];
}

/* A principal used an object that is known: once each, as owner and as other. */
static uint64_t use_key(const table *t, uint64_t kind, uint64_t owner, bool own) {
  return joint(t, kind, owner, UINT64_MAX - own);
}

static bool is_noted(const table *t, uint64_t use, uint64_t oldest) {
  seen noted = look(t, use);
  return noted.place != NULL && last_any(noted.data) >= oldest;
}

static void note_use(table *t, uint64_t kind, uint64_t owner, bool own, moment at) {
  uint64_t use = use_key(t, kind, owner, own), data = said(at.hour, at.hour, 0, 0);
  seen noted = look(t, use);
  if (noted.place != NULL) {
    bool fresh = last_any(noted.data) >= at.oldest;
    store(&noted.place->data, data);
    if (fresh) return;
  } else if (!put_if_room(t, use, owner, data)) {
    return;
  }
  kind_row *row = row_of(t, kind, true);
  if (own)
    row->owners++;
  else
    row->others++;
}
