/* A lock for processes that share memory, held for less than a microsecond. It outlives its holder: one that is dead is
 * found out and robbed at once, one that is stopped after PATIENCE.
 *
 * The word names the holder and counts its holdings, so that who waits can tell one that does not move from one that
 * holds it again. A holder's own threads never compete: they come here one at a time, under the interpreter's lock. */
#pragma once
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

typedef _Atomic uint64_t lock;

enum { SPINS = 100, PATIENCE = 50000000 };  /* nanoseconds: longer than a scheduler lets a process wait */
enum { HOLDER = 32 };                       /* bits below the holder's process id */

static uint64_t me;        /* this process, as it stands in the word */
static uint32_t holdings;

static void know_me(void) { me = (uint64_t)getpid() << HOLDER; }

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool take_from(lock *word, uint64_t seen, uint64_t mine) {
  return atomic_compare_exchange_strong_explicit(word, &seen, mine, memory_order_acquire, memory_order_relaxed);
}

static bool is_dead(uint64_t holding) { return kill((pid_t)(holding >> HOLDER), 0) != 0 && errno == ESRCH; }

/* What is held in our own name is a dead process's that had our id: we are not there twice. */
static bool is_free(uint64_t seen) { return seen == 0 || seen >> HOLDER == me >> HOLDER; }

static void wait_for(lock *word, uint64_t mine) {
  uint64_t stuck = 0;
  int64_t since = 0;
  for (unsigned turn = 0;; turn++) {
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    if (is_free(seen) && take_from(word, seen, mine)) return;
    if (turn < SPINS) continue;
    int64_t now = monotonic();
    if (seen != stuck) {
      stuck = seen;
      since = now;
    } else if (seen != 0 && (now - since > PATIENCE || is_dead(seen)) && take_from(word, seen, mine)) {
      return;
    }
    sched_yield();
  }
}

/* What the word now says. */
static inline uint64_t hold(lock *word) {
  uint64_t mine = me | ++holdings;
  if (!take_from(word, 0, mine)) wait_for(word, mine);
  return mine;
}

static inline bool still_held(lock *word, uint64_t mine) {
  return atomic_load_explicit(word, memory_order_relaxed) == mine;
}

/* Nothing, where we were robbed. */
static inline void release(lock *word, uint64_t mine) {
  atomic_compare_exchange_strong_explicit(word, &mine, 0, memory_order_release, memory_order_relaxed);
}
