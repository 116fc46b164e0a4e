/* A stream is one request and its response. Python knows it by number, lest a pointer outlive what it points to. */
#pragma once
#include <stdlib.h>
#include <time.h>

#include "abi.h"

enum { READ_REQUEST_BODY = 1, READ_RESPONSE = 2, READ_RESPONSE_BODY = 4 };
/* Message by message; of a response it is its head that tells. */
enum { READ_REQUEST_STREAM = 8, READ_RESPONSE_STREAM = 16, MAY_READ_RESPONSE_STREAM = 32 };
enum { MAY_SIFT_RESPONSE = 64 };  /* any body, piece by piece */
enum { CONCERNS_RESPONSE = READ_RESPONSE | READ_RESPONSE_BODY | MAY_READ_RESPONSE_STREAM | MAY_SIFT_RESPONSE };

typedef struct {
  void *envoy;
  uint64_t number;
  uint64_t max_body;  /* bytes; 0: no bound */
  uint64_t seen_body;
  uint32_t flags;
  int32_t shortcut;  /* number of the route's shortcut; negative: none */
  int64_t began, forwarded, responded;  /* monotonic nanoseconds; 0: not yet */
  bool opened, answered;
  bool request_ended, response_ended;  /* all of it has arrived */
  bool bodiless;                       /* the response has a head alone */
  bool replaced;                       /* the replacement is where the body was */
  int waits;                           /* at which hook, for the batch or for Python's other thread */
  int batch, place;                    /* where it waits in a batch */
  bool holds;   /* what was judged of the response waits, and its head with it, until Python lets it go */
  bool judged;  /* a first piece of the response was, so that what waits has been */
  char *replacement;  /* the body to send in place of the upstream's; NULL: its own */
  size_t replacement_length;
  bool cut;  /* nothing more of the upstream's goes on, and this is how the response ends */
  bool with_trailers;
  char *ending;
  size_t ending_length;
} stream;

enum { AWAKE = 0, AT_BATCH, AT_REQUEST_HEAD, AT_REQUEST_BODY, AT_RESPONSE_HEAD, AT_RESPONSE_BODY };

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}


static bool waits_at_head(const stream *s) { return s->waits == AT_BATCH || s->waits == AT_REQUEST_HEAD; }

enum { SLOT_BITS = 24 };  /* of a number: its place in the table; the rest never comes twice */
static stream **slots;
static uint32_t *free_slots;  /* a stack */
static uint32_t slot_count, free_count;

static bool grow_slots(void) {
  uint32_t more = slot_count ? slot_count * 2 : 256;
  if (more > 1u << SLOT_BITS) return false;
  stream **grown = realloc(slots, more * sizeof *slots);
  if (grown != NULL) slots = grown;
  uint32_t *grown_free = realloc(free_slots, more * sizeof *free_slots);
  if (grown_free != NULL) free_slots = grown_free;
  if (grown == NULL || grown_free == NULL) return false;
  for (uint32_t slot = more; slot-- > slot_count;) {
    slots[slot] = NULL;
    free_slots[free_count++] = slot;
  }
  slot_count = more;
  return true;
}

static uint32_t slot_of(uint64_t number) { return number & ((1u << SLOT_BITS) - 1); }

static bool enter(stream *s) {
  static uint64_t last;
  if (free_count == 0 && !grow_slots()) return false;
  uint32_t slot = free_slots[--free_count];
  s->number = ++last << SLOT_BITS | slot;
  slots[slot] = s;
  return true;
}

static void leave(const stream *s) {
  slots[slot_of(s->number)] = NULL;
  free_slots[free_count++] = slot_of(s->number);
}

/* NULL when it is gone. */
static stream *find(uint64_t number) {
  stream *s = slots[slot_of(number)];
  return s != NULL && s->number == number ? s : NULL;
}
