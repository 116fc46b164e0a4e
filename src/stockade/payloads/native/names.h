/* Which names the objects of one body have: a set of keyed 64-bit hashes, so nobody can aim names at one place. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/siphash.h"

enum { FIRST_PLACES = 64, GROWTH = 4 }; /* both powers of two */

typedef struct {
  uint64_t *more;                  /* NULL while the first places do */
  size_t mask, count;              /* of `more` */
  uint64_t first[FIRST_PLACES];    /* 0: nobody's */
} names;

static uint64_t names_key[2]; /* drawn when the module is loaded */

/* Whether it was not there. */
static bool put_hash(uint64_t *places, size_t mask, uint64_t hash) {
  size_t at = hash & mask;
  for (; places[at] != 0; at = (at + 1) & mask)
    if (places[at] == hash) return false;
  places[at] = hash;
  return true;
}

static bool grow(names *n, uint64_t **places, size_t *mask) {
  size_t size = (*mask + 1) * GROWTH;
  uint64_t *larger = calloc(size, sizeof *larger);
  if (larger == NULL) return false;
  for (size_t i = 0; i <= *mask; i++)
    if ((*places)[i] != 0) put_hash(larger, size - 1, (*places)[i]);
  free(n->more);
  n->more = *places = larger;
  n->mask = *mask = size - 1;
  return true;
}

/* Whether the object with this number had no such name. Out of memory, it says that it had. */
static bool add_name(names *n, uint32_t object, const unsigned char *name, size_t length) {
  uint64_t *places = n->more != NULL ? n->more : n->first;
  size_t mask = n->more != NULL ? n->mask : FIRST_PLACES - 1;
  if (n->count * 2 > mask && !grow(n, &places, &mask)) return false;
  uint64_t hash = siphash(names_key, (const char *)name, length) + object * UINT64_C(0x9E3779B97F4A7C15);
  n->count++;
  return put_hash(places, mask, hash != 0 ? hash : 1);
}

static void forget_names(names *n) { free(n->more); }
