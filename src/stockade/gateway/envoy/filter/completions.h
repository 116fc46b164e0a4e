/* Streams that are over. They wait here until Python takes many at a time: each visit to the interpreter costs more
 * than the bookkeeping of one stream. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "python.h"

typedef struct {
  uint64_t number;
  int64_t duration_ns, upstream_ns;  /* upstream: negative when there was none */
  uint32_t status;                   /* 0: the client left before there was a response */
} completion;

enum { MOST_COMPLETIONS = 256 };
static completion completions[MOST_COMPLETIONS];
static int completion_count;
static pthread_mutex_t completion_lock = PTHREAD_MUTEX_INITIALIZER;

static bool put_completion(completion done) {
  pthread_mutex_lock(&completion_lock);
  bool fits = completion_count < MOST_COMPLETIONS;
  if (fits) completions[completion_count++] = done;
  pthread_mutex_unlock(&completion_lock);
  return fits;
}

/* Moves all that wait to `out`, which has room for MOST_COMPLETIONS, and returns their number. */
static int stockade_take_completions(completion *out) {
  if (__atomic_load_n(&completion_count, __ATOMIC_RELAXED) == 0) return 0;
  pthread_mutex_lock(&completion_lock);
  int count = completion_count;
  memcpy(out, completions, (size_t)count * sizeof(completion));
  completion_count = 0;
  pthread_mutex_unlock(&completion_lock);
  return count;
}

static void complete(completion done) {
  if (put_completion(done)) return;
  stockade_completed();  /* makes room */
  put_completion(done);
}
