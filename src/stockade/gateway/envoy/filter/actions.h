/* What is done with a stream: forward it, answer it, replace its response, or fail closed. */
#pragma once
#include "edits.h"
#include "packing.h"
#include "python.h"
#include "streams.h"

enum { MOST_OF_RESPONSE = 8 << 20 };  /* bytes of a response that is held for its readers; see engine/bodies.py */
enum { EVENT_WAKE = 1, EVENT_BATCH = 2, EVENT_END = 3 };  /* what a stream is scheduled for */

static packing scratch;

static void stockade_forward(uint64_t number, uint32_t flags, int32_t way, uint64_t max_body, const char *sets,
                             size_t sets_length, const char *removes, size_t removes_length) {
  stream *s = find(number);
  if (s == NULL) return;
  s->flags = flags;
  s->shortcut = way;
  s->max_body = max_body;
  edit(s, REQUEST, sets, sets_length, removes, removes_length);
  uint64_t held = flags & READ_REQUEST_BODY ? max_body : 0;
  if (flags & READ_RESPONSE_BODY && held < MOST_OF_RESPONSE) held = MOST_OF_RESPONSE;
  if (held) CALL(http_set_buffer_limit)(s->envoy, held + 65536);
  CALL(http_clear_route_cache)(s->envoy);
  s->forwarded = now();
}

/* Only while its head waits for its body. */
static void stockade_edit_request(uint64_t number, const char *sets, size_t sets_length, const char *removes,
                                  size_t removes_length) {
  stream *s = find(number);
  if (s != NULL) edit(s, REQUEST, sets, sets_length, removes, removes_length);
}

static void drain(stream *s, int kind) {
  size_t size = CALL(http_get_body_size)(s->envoy, kind);
  if (size) CALL(http_drain_body)(s->envoy, kind, size);
}

/* The whole body is there, in pieces that were kept, in the one that just came, or in both: all of it goes. */
static void stockade_replace_request_body(uint64_t number, const char *body, size_t length) {
  stream *s = find(number);
  if (s == NULL) return;
  int kind = CALL(http_get_body_size)(s->envoy, BUFFERED_REQUEST) ? BUFFERED_REQUEST : RECEIVED_REQUEST;
  drain(s, BUFFERED_REQUEST);
  drain(s, RECEIVED_REQUEST);
  if (length) CALL(http_append_body)(s->envoy, kind, (buffer){body, length});
}

static void stockade_edit_response(uint64_t number, const char *sets, size_t sets_length, const char *removes,
                                   size_t removes_length) {
  stream *s = find(number);
  if (s != NULL) edit(s, RESPONSE, sets, sets_length, removes, removes_length);
}

enum { MOST_FIELDS = 128 };  /* of an answer of ours */

/* The fields of a packed list, as Envoy takes them; their number. Zero when there are none, or too many. */
static size_t unpack(header *headers, const char *fields, size_t length) {
  size_t count = 0;
  for (const char *at = fields, *end = fields + length; at < end; count++) {
    if (count == MOST_FIELDS) return 0;
    header *h = &headers[count];
    h->key = at;
    h->key_length = strlen(at);
    h->value = at + h->key_length + 1;
    h->value_length = strlen(h->value);
    at = h->value + h->value_length + 1;
  }
  return count;
}

/* Answer the request ourselves. `fields` begin with ":status". Not Envoy's local reply, whose body is Envoy's. False when
 * there is no such head. */
static bool answer(stream *s, const char *fields, size_t length, const char *body, size_t body_length) {
  header headers[MOST_FIELDS];
  size_t count = unpack(headers, fields, length);
  if (count == 0) return false;
  s->answered = true;
  buffer data = {body, body_length};
  void *envoy = s->envoy;  /* the first call may end the stream, and with it `s` */
  CALL(http_send_response_headers)(envoy, headers, count, body_length == 0);
  if (body_length) CALL(http_send_response_data)(envoy, data, true);
  return true;
}

static void fail(stream *s);

static void stockade_answer(uint64_t number, const char *fields, size_t length, const char *body, size_t body_length) {
  stream *s = find(number);
  if (s != NULL && !answer(s, fields, length, body, body_length)) fail(s);
}

/* Send this body in place of the upstream's, which is dropped as it comes. The head has been edited to match. */
static int replace_body(stream *s, const char *body, size_t length) {
  free(s->replacement);
  s->replacement = malloc(length + 1);
  if (s->replacement == NULL) return -1;
  memcpy(s->replacement, body, length);
  s->replacement_length = length;
  return 0;
}

static int stockade_replace_body(uint64_t number, const char *body, size_t length) {
  stream *s = find(number);
  return s == NULL ? 0 : replace_body(s, body, length);
}

/* Nothing more of the upstream's response goes on. It ends with these bytes (malloc'ed; they are ours now), or with
 * trailers (a packed list): not here and now, where Envoy may be in the midst of it, but as soon as it is back in its event
 * loop, or when the upstream ends, if that is sooner. */
static void cut_off(stream *s, char *ending, size_t length, bool with_trailers) {
  free(s->ending);
  s->ending = ending;
  s->ending_length = length;
  s->with_trailers = with_trailers;
  void *scheduler = s->cut ? NULL : CALL(http_filter_scheduler_new)(s->envoy);
  s->cut = true;
  if (scheduler == NULL) return;
  CALL(http_filter_scheduler_commit)(scheduler, EVENT_END);
  CALL(http_filter_scheduler_delete)(scheduler);
}

/* Of the body whose last piece, if there is one, is of this kind. An upstream that is not at its end need never come to
 * it: nobody waits for that. */
static void put_replacement(stream *s, int kind) {
  if (CALL(http_get_body_size)(s->envoy, BUFFERED_RESPONSE)) kind = BUFFERED_RESPONSE;
  drain(s, BUFFERED_RESPONSE);
  drain(s, RECEIVED_RESPONSE);
  s->holds = false;
  buffer data = {s->replacement, s->replacement_length};
  if (!s->response_ended) {
    cut_off(s, s->replacement, s->replacement_length, false);
    s->replacement = NULL;
    return;
  }
  if (data.length) CALL(http_append_body)(s->envoy, kind, data);
  s->replaced = true;
}

/* NULL when the stream is gone. */
static void *stockade_scheduler(uint64_t number) {
  stream *s = find(number);
  return s == NULL ? NULL : CALL(http_filter_scheduler_new)(s->envoy);
}

static void stockade_wake(void *scheduler) {  /* from any thread; does nothing once the stream is gone */
  if (scheduler == NULL) return;
  CALL(http_filter_scheduler_commit)(scheduler, EVENT_WAKE);
  CALL(http_filter_scheduler_delete)(scheduler);
}

/* ---- Failing closed ---- */

static const char FAILED[] =
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"detail\":\"The request could not be checked. Try again later.\"}";
static const char FAILED_HEADERS[] =
    ":status\000503\0content-type\0application/problem+json\0cache-control\0no-store\0x-content-type-options\0nosniff";

/* Of the answer to a HEAD there is no body (RFC 9110, section 9.3.2): what we sent of one would be taken for the next. */
static size_t failed_length(const stream *s) {
  head h;
  if (!open_head(&h, s->envoy, REQUEST)) return 0;
  const header *method = field(&h, ":method", 7);
  size_t length = method == NULL || begins_with(method, "HEAD") ? 0 : sizeof FAILED - 1;
  close_head(&h);
  return length;
}

static void fail(stream *s) {
  if (!s->answered) answer(s, FAILED_HEADERS, sizeof FAILED_HEADERS, FAILED, failed_length(s));
}

/* Remove all fields of a head or of trailers. */
static void strip(const stream *s, int kind) {
  empty(&scratch);
  head h;
  if (!open_head(&h, s->envoy, kind)) return;
  for (size_t i = 0; i < h.count; i++)
    if (h.fields[i].key_length && h.fields[i].key[0] != ':') pack(&scratch, h.fields[i].key, h.fields[i].key_length);
  close_head(&h);
  edit(s, kind, NULL, 0, scratch.text, scratch.used);
}

/* The same when the upstream has answered already: its response is replaced, head and body. */
static void refuse_response(stream *s) {
  strip(s, RESPONSE);
  edit(s, RESPONSE, FAILED_HEADERS, sizeof FAILED_HEADERS, NULL, 0);
  replace_body(s, FAILED, failed_length(s));
}

static void too_large(stream *s) {
  /* A response that has begun cannot be taken back: it ends here, and the client notices. */
  if (s->responded) CALL(http_filter_reset_stream)(s->envoy, 0, (buffer){"body_too_large", 14});
  else if (stockade_too_large(s->number) <= 0) fail(s);
}
