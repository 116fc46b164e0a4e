/* Taking from several buckets at once: from all of them or, when one has too little, from none. */
#pragma once
#include <stdlib.h>

#include "sets.h"

typedef struct {
  measure measure;
  uint64_t key;
  set *set;
  uint64_t holding;  /* what the lock says while it is ours; 0 where an earlier bucket is in the same set */
  outcome outcome;
} take_one;

/* Everyone locks in the order of addresses, so that no two wait for each other. Buckets are few: insertion will do. */
static void lock_all(take_one **order, int count) {
  for (int i = 1; i < count; i++)
    for (int j = i; j > 0 && order[j]->set < order[j - 1]->set; j--) {
      take_one *other = order[j];
      order[j] = order[j - 1];
      order[j - 1] = other;
    }
  for (int i = 0; i < count; i++)
    order[i]->holding = i > 0 && order[i]->set == order[i - 1]->set ? 0 : hold(&order[i]->set->lock);
}

static bool all_held(take_one **order, int count) {
  for (int i = 0; i < count; i++)
    if (order[i]->holding && !still_held(&order[i]->set->lock, order[i]->holding)) return false;
  return true;
}

static void release_all(take_one **order, int count) {
  for (int i = count - 1; i >= 0; i--)
    if (order[i]->holding) release(&order[i]->set->lock, order[i]->holding);
}

/* The bucket that makes its caller wait longest; -1 when all have enough. */
static int judge(take_one *takes, int count, int64_t now, int64_t cost) {
  int worst = -1;
  for (int i = 0; i < count; i++) {
    take_one *t = &takes[i];
    t->outcome = take(&t->measure, look_up(t->set, t->key), now, cost);
    if (t->outcome.allowed) continue;
    /* NEVER is the greatest of all when its sign does not count. */
    if (worst < 0 || (uint64_t)t->outcome.wait > (uint64_t)takes[worst].outcome.wait) worst = i;
  }
  return worst;
}

/* A bucket that refuses is still put right when another clock or limit had written it. */
static void commit(table *t, take_one *takes, int count, bool allowed, int64_t now) {
  for (int i = 0; i < count; i++)
    if (takes[i].outcome.changed && takes[i].outcome.allowed == allowed)
      put(t, takes[i].set, takes[i].key, takes[i].outcome.after, now);
}

/* The place of the bucket that refused, or -1. Each take has its outcome then. `order` has room for as many. */
static int take_all(table *t, take_one *takes, take_one **order, int count, int64_t now, int64_t cost) {
  for (int i = 0; i < count; i++) {
    takes[i].set = set_of(t, takes[i].key);
    order[i] = &takes[i];
  }
  for (;;) {
    lock_all(order, count);
    int refused = judge(takes, count, now, cost);
    /* Who was stopped so long that it was robbed must not write over what others have written since. */
    bool sound = all_held(order, count);
    if (sound) commit(t, takes, count, refused < 0, now);
    release_all(order, count);
    if (sound) return refused;
  }
}
