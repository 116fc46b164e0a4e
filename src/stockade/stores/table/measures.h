/* What may be taken, as arithmetic: state in, state out. The same as quotas/gcra.py and quotas/allowance.py, which say
 * why; the tests hold them against each other. The state is from shared memory: whatever it holds, nothing overflows.
 *
 * Times are nanoseconds since the epoch, before LATEST (the year 2116); spans are DEEPEST (73 years) at the most. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SECOND INT64_C(1000000000)
#define JUMP (60 * SECOND)
#define DEEPEST (INT64_C(1) << 61)
#define LATEST (INT64_C(1) << 62)

typedef enum { PACE, ALLOWANCE } kind;

/* PACE: nanoseconds per token, and tokens. ALLOWANCE: requests, and the period [start, end) in seconds. */
typedef struct {
  kind kind;
  union {
    struct { int64_t interval, burst; };
    struct { int64_t limit, start, end; };
  };
} measure;

/* PACE: when, the arrival. ALLOWANCE: when, the period (see `period`); used, of it. All zero: never seen. */
typedef struct { uint64_t when, used; } state;

/* reset and wait are nanoseconds from now; wait is 0 when allowed, NEVER when waiting does not help. */
typedef struct {
  bool allowed, changed;
  int64_t remaining, reset, wait;
  state after;
} outcome;
#define NEVER INT64_C(-1)

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* b may be negative, where something is given back. */
static int64_t times(int64_t a, int64_t b) {
  if (b < 0) return -times(a, -b);
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? DEEPEST : least(product, DEEPEST);
}

static outcome take_tokens(const measure *m, state before, int64_t now, int64_t cost) {
  int64_t step = least(m->interval, DEEPEST), depth = times(step, m->burst), charge = times(step, cost);
  uint64_t arrival = before.when, ahead = arrival > (uint64_t)now ? arrival - (uint64_t)now : 0;
  if (ahead > (uint64_t)(depth + JUMP)) {
    ahead = (uint64_t)depth;
    arrival = (uint64_t)(now + depth);
  }
  int64_t used = (int64_t)ahead, after = used + charge > 0 ? used + charge : 0;
  if (after > depth) {
    int64_t left = depth > used ? depth - used : 0;
    return (outcome){false, arrival != before.when, left / step, used, charge > depth ? NEVER : after - depth,
                     {arrival, 0}};
  }
  arrival = (uint64_t)(now + after);
  return (outcome){true, arrival != before.when, (depth - after) / step, after, 0, {arrival, 0}};
}

/* Its start, 34 bits, and its length, 30 bits, in seconds. */
enum { LENGTH = 30 };
#define LONGEST ((INT64_C(1) << LENGTH) - 1)

static uint64_t period(int64_t start, int64_t end) {
  return (uint64_t)start << LENGTH | (uint64_t)least(end - start, LONGEST);
}
static int64_t start_of(uint64_t when) { return (int64_t)(when >> LENGTH); }
static int64_t end_of(uint64_t when) { return start_of(when) + (int64_t)(when & LONGEST); }

static outcome take_allowance(const measure *m, state before, int64_t now, int64_t cost) {
  int64_t start = start_of(before.when), end = end_of(before.when);
  uint64_t used = before.used;
  if (m->start <= start && start <= (now + JUMP) / SECOND) {
    if (end < m->end) end = m->end;
  } else {
    start = m->start, end = m->end, used = 0;
  }
  int64_t reset = m->end * SECOND - now, left = used < (uint64_t)m->limit ? m->limit - (int64_t)used : 0;
  if (cost > left) return (outcome){false, false, left, reset, reset, before};
  uint64_t spent = cost < 0 && used < (uint64_t)-cost ? 0 : used + (uint64_t)cost;
  state after = {period(start, end), spent};
  return (outcome){true, true, least(left - cost, m->limit), reset, 0, after};
}

static outcome take(const measure *m, state before, int64_t now, int64_t cost) {
  return (m->kind == PACE ? take_tokens : take_allowance)(m, before, now, cost);
}

/* When the state says nothing any more. */
static uint64_t over(kind kind, state s) {
  return kind == PACE ? s.when : (uint64_t)end_of(s.when) * (uint64_t)SECOND;
}
