/* Requests are judged in batches: those whose heads Envoy has read in one turn of its event loop, together at the end of
 * that turn. Whoever runs alone finds all caches cold, and Python's are large: under load a batch costs half of what its
 * requests would cost one by one. Nobody waits for company: an idle gateway judges each request at once. */
#pragma once
#include "completions.h"
#include "steps.h"

enum { ROW = 4 };  /* number, end of what is its own, end, whether there is no body: positions are in `fields` */

typedef struct {
  packing fields;
  int64_t *rows;
  completion *ends;  /* of streams that are over before the batch is judged, or while it is; number 0: it is not */
  int *results;
  int count, room;
} batch;

static batch batches[2];  /* while one is judged, the other fills */
static int filling;
static uint64_t carrier;  /* number of the stream that is scheduled for the batch that fills; 0: none */
static bool judging;

static bool grow_batch(batch *b) {
  int more = b->room ? b->room * 2 : 64;
  int64_t *rows = realloc(b->rows, (size_t)more * ROW * sizeof *rows);
  if (rows != NULL) b->rows = rows;
  completion *ends = realloc(b->ends, (size_t)more * sizeof *ends);
  if (ends != NULL) b->ends = ends;
  int *results = realloc(b->results, (size_t)more * sizeof *results);
  if (results != NULL) b->results = results;
  if (rows == NULL || ends == NULL || results == NULL) return false;
  b->room = more;
  return true;
}

/* False when there is no memory. Otherwise it waits at its head. */
static bool join_batch(stream *s) {
  batch *b = &batches[filling];
  if (b->count == b->room && !grow_batch(b)) return false;
  size_t begin = b->fields.used, own = 0;
  void *scheduler = carrier ? NULL : CALL(http_filter_scheduler_new)(s->envoy);
  if ((!carrier && scheduler == NULL) || !pack_request(&b->fields, s->envoy, &own)) {
    b->fields.used = begin;
    if (scheduler != NULL) CALL(http_filter_scheduler_delete)(scheduler);
    return false;
  }
  int64_t *row = b->rows + b->count * ROW;
  row[0] = (int64_t)s->number;
  row[1] = (int64_t)own;
  row[2] = (int64_t)b->fields.used;
  row[3] = s->request_ended;
  b->ends[b->count].number = 0;
  b->results[b->count] = -1;
  s->batch = filling;
  s->place = b->count++;
  s->waits = AT_BATCH;
  if (scheduler != NULL) {
    carrier = s->number;
    CALL(http_filter_scheduler_commit)(scheduler, EVENT_BATCH);
    CALL(http_filter_scheduler_delete)(scheduler);
  }
  return true;
}

/* Ends of streams that are recorded together. */
enum { ENOUGH_COMPLETIONS = 16 };

static void judge_batch(void) {
  batch *b = &batches[filling];
  filling = !filling;
  carrier = 0;
  judging = true;
  stockade_requests(b->fields.text, b->rows, b->results, b->count);
  for (int i = 0; i < b->count; i++) {  /* before any goes on, which may end others */
    stream *s = find((uint64_t)b->rows[i * ROW]);
    if (b->ends[i].number) complete(b->ends[i]);
    if (s == NULL) continue;
    s->opened = true;
    s->waits = AT_REQUEST_HEAD;
  }
  for (int i = 0; i < b->count; i++) {
    stream *s = find((uint64_t)b->rows[i * ROW]);
    if (s == NULL || b->results[i] == SUSPENDED) continue;
    s->waits = AWAKE;
    go_on_with_request(s, AT_REQUEST_HEAD, b->results[i]);
  }
  b->count = 0;
  empty(&b->fields);
  judging = false;
  if (batches[filling].count && !carrier) judge_batch();
  if (__atomic_load_n(&completion_count, __ATOMIC_RELAXED) >= ENOUGH_COMPLETIONS) stockade_completed();
}

/* The stream is gone. If the batch relied on it, another takes over; if all are gone, they still have their records. */
static void leave_batch(const stream *s) {
  if (s->number != carrier) return;
  batch *b = &batches[filling];
  carrier = 0;
  for (int i = 0; i < b->count && !carrier; i++) {
    const stream *other = find((uint64_t)b->rows[i * ROW]);
    void *scheduler = other == NULL ? NULL : CALL(http_filter_scheduler_new)(other->envoy);
    if (scheduler == NULL) continue;
    carrier = other->number;
    CALL(http_filter_scheduler_commit)(scheduler, EVENT_BATCH);
    CALL(http_filter_scheduler_delete)(scheduler);
  }
  if (!carrier && !judging) judge_batch();
}
