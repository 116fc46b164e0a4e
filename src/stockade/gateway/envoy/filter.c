/* The part of Stockade that lives in Envoy's address space.
 *
 * Implements the HTTP filter hooks of Envoy's dynamic-module ABI v0.2.0 (Envoy 1.40) and calls Python only where a
 * decision is due: once for a request head, once for a response head where a control reads it, once at the end.
 * Everything a call needs travels as one buffer of NUL-separated fields, because crossing the border costs more than
 * copying. NUL cannot occur in a header field (RFC 9110, section 5.5); Envoy refuses such messages.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- What Envoy offers (names and layouts are the ABI's) ---- */

typedef struct { const char *ptr; size_t length; } buffer;
typedef struct { const char *key; size_t key_length; const char *value; size_t value_length; } header;

#define CALL(name) envoy_dynamic_module_callback_##name
size_t CALL(http_get_headers_size)(void *filter, int kind);
bool CALL(http_get_headers)(void *filter, int kind, header *out);
bool CALL(http_get_header)(void *filter, int kind, buffer key, buffer *out, size_t index, size_t *count);
bool CALL(http_set_header)(void *filter, int kind, buffer key, buffer value);
void CALL(http_send_response_headers)(void *filter, header *headers, size_t count, bool ends);
void CALL(http_send_response_data)(void *filter, buffer data, bool ends);
size_t CALL(http_get_body_size)(void *filter, int kind);
size_t CALL(http_get_body_chunks_size)(void *filter, int kind);
bool CALL(http_get_body_chunks)(void *filter, int kind, buffer *out);
bool CALL(http_drain_body)(void *filter, int kind, size_t count);
bool CALL(http_append_body)(void *filter, int kind, buffer data);
void CALL(http_set_buffer_limit)(void *filter, uint64_t limit);
bool CALL(http_filter_get_attribute_string)(void *filter, int attribute, buffer *out);
bool CALL(http_filter_get_attribute_int)(void *filter, int attribute, uint64_t *out);
bool CALL(http_get_downstream_direct_remote_address)(void *filter, buffer *out);  /* address:port */
void CALL(http_clear_route_cache)(void *filter);
void CALL(http_filter_continue_decoding)(void *filter);
void CALL(http_filter_continue_encoding)(void *filter);
void CALL(http_filter_reset_stream)(void *filter, int reason, buffer details);
void *CALL(http_filter_scheduler_new)(void *filter);
void CALL(http_filter_scheduler_commit)(void *scheduler, uint64_t event);
void CALL(http_filter_scheduler_delete)(void *scheduler);

enum { REQUEST = 0, RESPONSE = 2 };
enum { RECEIVED_REQUEST = 0, BUFFERED_REQUEST = 1, RECEIVED_RESPONSE = 2, BUFFERED_RESPONSE = 3 };
enum { CONTINUE = 0, STOP = 1, STOP_ALL_AND_BUFFER = 3 };  /* of heads; a body is buffered while it is stopped */
enum { STOP_READING = 2, DROP = 3 };                        /* of bodies: buffer up to the limit, or not at all */
enum { ATTRIBUTE_PROTOCOL = 10, ATTRIBUTE_STATUS = 15, ATTRIBUTE_SOURCE = 24, ATTRIBUTE_TLS = 31,
       ATTRIBUTE_PEER_SUBJECT = 33, ATTRIBUTE_PEER_SHA256 = 38 };

/* ---- A stream: one request and its response ---- */

enum { READ_REQUEST_BODY = 1, READ_RESPONSE = 2, READ_RESPONSE_BODY = 4 };

typedef struct {
  void *envoy;
  uint64_t number;  /* never used twice, as an address is */
  uint64_t max_body;  /* bytes; 0: no bound */
  uint64_t seen_body;
  uint32_t flags;
  int32_t shortcut;  /* number of the route's shortcut; negative: none */
  int64_t began, forwarded, responded;  /* monotonic nanoseconds; 0: not yet */
  bool opened, answered;
  bool request_ended, response_ended;  /* all of it has arrived */
  bool bodiless;                       /* the response has a head alone */
  bool replaced;                       /* the replacement is where the body was */
  int waits;                           /* at which hook for Python's other thread */
  char *replacement;  /* the body to send in place of the upstream's; NULL: its own */
  size_t replacement_length;
} stream;

enum { AWAKE = 0, AT_REQUEST_HEAD, AT_REQUEST_BODY, AT_RESPONSE_HEAD, AT_RESPONSE_BODY };

typedef struct {
  uint64_t number;
  int64_t duration_ns, upstream_ns;  /* upstream: negative when there was none */
  uint32_t status;                   /* 0: the client left before there was a response */
} completion;

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* What Python does; see bridge.py. A result of zero or less means that it failed: -1 by an exception, 0 because the
 * interpreter could not be started (cffi then answers so for every function). */
static int stockade_configure(const char *text, size_t length);
static int stockade_request(stream *s, uint64_t number, const char *fields, size_t own, size_t length, int ends);
static int stockade_request_body(uint64_t number, const char *body, size_t length);
static int stockade_too_large(uint64_t number);
static int stockade_resume(uint64_t number);
static int stockade_response(uint64_t number, const char *fields, size_t length, int may_wait);
static int stockade_response_body(uint64_t number, const char *body, size_t length, int may_wait);
static void stockade_completed(void);
enum { FORWARD = 1, ANSWERED = 2, SUSPENDED = 3 };

/* ---- Packing: a buffer that grows and is used again ---- */

static __thread char *packed;
static __thread size_t packed_size, packed_used;

static bool room(size_t more) {
  if (packed_used + more <= packed_size) return true;
  size_t size = (packed_used + more) * 2;
  char *grown = realloc(packed, size);
  if (grown == NULL) return false;
  packed = grown;
  packed_size = size;
  return true;
}

static bool pack(const char *text, size_t length) {
  if (!room(length + 1)) return false;
  memcpy(packed + packed_used, text, length);
  packed[packed_used + length] = '\0';
  packed_used += length + 1;
  return true;
}

static bool pack_attribute(void *envoy, int attribute) {
  buffer value = {NULL, 0};
  if (!CALL(http_filter_get_attribute_string)(envoy, attribute, &value)) value.length = 0;
  return pack(value.ptr, value.length);
}

/* An address without its port: 192.0.2.1:443 or [2001:db8::1]:443. */
static bool pack_address(buffer address) {
  size_t length = address.length;
  while (length > 0 && address.ptr[length - 1] != ':') length--;
  if (length > 0) length--;
  if (length > 1 && address.ptr[0] == '[') return pack(address.ptr + 1, length - 2);
  return pack(address.ptr, length);
}

static bool is(const header *h, const char *name) {
  return h->key_length == strlen(name) && memcmp(h->key, name, h->key_length) == 0;
}

/* What is a request's own (its target, its id) first; then, from `own` on, what a client's next request is likely to
 * repeat to the letter, so that Python need not read it again: peer, method, host, header fields. */
static bool pack_request(void *envoy, size_t *own) {
  size_t count = CALL(http_get_headers_size)(envoy, REQUEST);
  header fixed[128], *headers = count <= 128 ? fixed : malloc(count * sizeof(header));
  if (headers == NULL) return false;
  bool good = CALL(http_get_headers)(envoy, REQUEST, headers);
  header none = {"", 0, "", 0}, *path = &none, *id = &none;
  for (size_t i = 0; good && i < count; i++) {
    if (is(&headers[i], ":path")) path = &headers[i];
    else if (is(&headers[i], "x-request-id")) id = &headers[i];
  }
  good = good && pack(path->value, path->value_length) && pack(id->value, id->value_length);
  *own = packed_used;
  buffer peer = {NULL, 0}, source = {NULL, 0};
  good = good && CALL(http_get_downstream_direct_remote_address)(envoy, &peer) && pack_address(peer) &&
         CALL(http_filter_get_attribute_string)(envoy, ATTRIBUTE_SOURCE, &source) && pack_address(source) &&
         pack_attribute(envoy, ATTRIBUTE_PROTOCOL) && pack_attribute(envoy, ATTRIBUTE_TLS) &&
         pack_attribute(envoy, ATTRIBUTE_PEER_SHA256) && pack_attribute(envoy, ATTRIBUTE_PEER_SUBJECT);
  for (size_t i = 0; good && i < count; i++)
    if (&headers[i] != path && !is(&headers[i], "x-request-id"))
      good = pack(headers[i].key, headers[i].key_length) && pack(headers[i].value, headers[i].value_length);
  if (headers != fixed) free(headers);
  return good;
}

static bool pack_headers(void *envoy, int kind) {
  size_t count = CALL(http_get_headers_size)(envoy, kind);
  header fixed[64], *headers = count <= 64 ? fixed : malloc(count * sizeof(header));
  if (headers == NULL) return false;
  bool good = CALL(http_get_headers)(envoy, kind, headers);
  for (size_t i = 0; good && i < count; i++)
    good = pack(headers[i].key, headers[i].key_length) && pack(headers[i].value, headers[i].value_length);
  if (headers != fixed) free(headers);
  return good;
}

static bool pack_body(void *envoy, int kind) {
  size_t count = CALL(http_get_body_chunks_size)(envoy, kind);
  if (count == 0) return true;
  buffer *chunks = malloc(count * sizeof(buffer));
  if (chunks == NULL) return false;
  bool good = CALL(http_get_body_chunks)(envoy, kind, chunks);
  for (size_t i = 0; good && i < count; i++) {
    good = room(chunks[i].length);
    if (good) memcpy(packed + packed_used, chunks[i].ptr, chunks[i].length);
    if (good) packed_used += chunks[i].length;
  }
  free(chunks);
  return good;
}

/* ---- Completed streams ---- */

/* They wait here until Python runs anyway, which is at the next request, or when its own thread looks (every 50 ms):
 * each visit to the interpreter costs more than the bookkeeping of one stream. */
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

/* ---- What Python calls ---- */

/* Names and values of `sets` (name NUL value NUL ...) replace, names of `removes` go. A name that stands twice in
 * `sets` keeps its last value. */
static void edit(const stream *s, int kind, const char *sets, size_t sets_length, const char *removes, size_t removes_length) {
  const char *at = removes, *end = removes + removes_length;
  buffer none = {NULL, 0};
  while (at < end) {
    buffer name = {at, strlen(at)};
    CALL(http_set_header)(s->envoy, kind, name, none);
    at += name.length + 1;
  }
  at = sets;
  end = sets + sets_length;
  while (at < end) {
    buffer name = {at, strlen(at)};
    at += name.length + 1;
    buffer value = {at, strlen(at)};
    at += value.length + 1;
    CALL(http_set_header)(s->envoy, kind, name, value);
  }
}

/* Shortcuts (see vocabulary.Shortcut): ordinary responses are edited here, without asking Python. They are few, one
 * or two per route and policy, and are kept for ever: a stream may outlive the policy that it began under. */
typedef struct {
  int below;
  buffer sets, removes, absent, not_media;  /* lists of NUL-separated texts */
} shortcut;
static shortcut *shortcuts;
static int32_t shortcut_count;

static buffer keep(const char *text, size_t length) {
  char *copy = malloc(length + 1);
  if (copy != NULL) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return (buffer){copy, copy != NULL ? length : 0};
}

/* Called while a policy is loaded, with the interpreter's lock held. The table never moves: streams on Envoy's thread
 * read it without a lock. Returns its number, or -1 when there is no room. */
enum { MOST_SHORTCUTS = 65536 };
static int32_t stockade_add_shortcut(int below, const char *sets, size_t sets_length, const char *removes,
                                     size_t removes_length, const char *absent, size_t absent_length,
                                     const char *not_media, size_t not_media_length) {
  if (shortcuts == NULL) shortcuts = calloc(MOST_SHORTCUTS, sizeof(shortcut));
  if (shortcuts == NULL || shortcut_count == MOST_SHORTCUTS) return -1;
  shortcuts[shortcut_count] = (shortcut){below, keep(sets, sets_length), keep(removes, removes_length),
                                         keep(absent, absent_length), keep(not_media, not_media_length)};
  return shortcut_count++;
}

static bool get(void *envoy, const char *name, buffer *out) {
  out->length = 0;
  out->ptr = NULL;
  return CALL(http_get_header)(envoy, RESPONSE, (buffer){name, strlen(name)}, out, 0, NULL) && out->ptr != NULL;
}

static bool take_shortcut(stream *s) {
  if (s->shortcut < 0 || s->shortcut >= shortcut_count) return false;
  const shortcut *way = &shortcuts[s->shortcut];
  buffer value;
  if (!get(s->envoy, ":status", &value) || value.length != 3) return false;
  if ((value.ptr[0] - '0') * 100 + (value.ptr[1] - '0') * 10 + value.ptr[2] - '0' >= way->below) return false;
  for (const char *at = way->absent.ptr, *end = at + way->absent.length; at < end; at += strlen(at) + 1)
    if (get(s->envoy, at, &value)) return false;
  if (get(s->envoy, "content-type", &value))
    for (const char *at = way->not_media.ptr, *end = at + way->not_media.length; at < end; at += strlen(at) + 1)
      if (value.length >= strlen(at) && strncasecmp(value.ptr, at, strlen(at)) == 0) return false;
  edit(s, RESPONSE, way->sets.ptr, way->sets.length, way->removes.ptr, way->removes.length);
  return true;
}

static void stockade_forward(stream *s, uint32_t flags, int32_t way, uint64_t max_body, const char *sets,
                             size_t sets_length, const char *removes, size_t removes_length) {
  s->flags = flags;
  s->shortcut = way;
  s->max_body = max_body;
  edit(s, REQUEST, sets, sets_length, removes, removes_length);
  if (flags & READ_REQUEST_BODY && max_body) CALL(http_set_buffer_limit)(s->envoy, max_body + 65536);
  CALL(http_clear_route_cache)(s->envoy);
  s->forwarded = now();
}

static void stockade_edit_response(stream *s, const char *sets, size_t sets_length, const char *removes,
                                   size_t removes_length) {
  edit(s, RESPONSE, sets, sets_length, removes, removes_length);
}

/* Answer the request ourselves. `fields` begin with ":status". Not Envoy's local reply, whose body is Envoy's. */
static void stockade_answer(stream *s, const char *fields, size_t length, const char *body, size_t body_length) {
  header headers[64];
  size_t count = 0;
  const char *at = fields, *end = fields + length;
  while (at < end && count < 64) {
    header *h = &headers[count++];
    h->key = at;
    h->key_length = strlen(at);
    h->value = at + h->key_length + 1;
    h->value_length = strlen(h->value);
    at = h->value + h->value_length + 1;
  }
  s->answered = true;
  buffer data = {body, body_length};
  void *envoy = s->envoy;  /* the first call may end the stream, and with it `s` */
  CALL(http_send_response_headers)(envoy, headers, count, body_length == 0);
  if (body_length) CALL(http_send_response_data)(envoy, data, true);
}

/* Send this body in place of the upstream's, which is dropped as it comes. The head has been edited to match. */
static int stockade_replace_body(stream *s, const char *body, size_t length) {
  free(s->replacement);
  s->replacement = malloc(length + 1);
  if (s->replacement == NULL) return -1;
  memcpy(s->replacement, body, length);
  s->replacement_length = length;
  return 0;
}

static void put_replacement(stream *s, int kind) {
  size_t size = CALL(http_get_body_size)(s->envoy, kind);
  if (size) CALL(http_drain_body)(s->envoy, kind, size);
  buffer data = {s->replacement, s->replacement_length};
  if (s->replacement_length) CALL(http_append_body)(s->envoy, kind, data);
  s->replaced = true;
}

static void *stockade_scheduler(stream *s) { return CALL(http_filter_scheduler_new)(s->envoy); }

static void stockade_wake(void *scheduler) {  /* from any thread; does nothing once the stream is gone */
  CALL(http_filter_scheduler_commit)(scheduler, 1);
  CALL(http_filter_scheduler_delete)(scheduler);
}

/* ---- Failing closed ---- */

static const char FAILED[] =
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"detail\":\"The request could not be checked. Try again later.\"}";
static const char FAILED_HEADERS[] =
    ":status\000503\0content-type\0application/problem+json\0cache-control\0no-store\0x-content-type-options\0nosniff";

static void fail(stream *s) {
  if (!s->answered) stockade_answer(s, FAILED_HEADERS, sizeof FAILED_HEADERS, FAILED, sizeof FAILED - 1);
}

/* The same when the upstream has answered already: its response is replaced, head and body. */
static void refuse_response(stream *s) {
  packed_used = 0;
  if (pack_headers(s->envoy, RESPONSE))
    for (const char *at = packed, *end = packed + packed_used; at < end;) {
      buffer name = {at, strlen(at)}, none = {NULL, 0};
      if (*at != ':') CALL(http_set_header)(s->envoy, RESPONSE, name, none);
      at += name.length + 1;
      at += strlen(at) + 1;
    }
  edit(s, RESPONSE, FAILED_HEADERS, sizeof FAILED_HEADERS, NULL, 0);
  stockade_replace_body(s, FAILED, sizeof FAILED - 1);
}

static void too_large(stream *s) {
  /* A response that has begun cannot be taken back: it ends here, and the client notices. */
  if (s->responded) CALL(http_filter_reset_stream)(s->envoy, 0, (buffer){"body_too_large", 14});
  else if (stockade_too_large(s->number) <= 0) fail(s);
}

/* ---- Hooks ---- */

#define EXPORT __attribute__((visibility("default")))

const char *EXPORT envoy_dynamic_module_on_program_init(void) { return "v0.2.0"; }

const void *EXPORT envoy_dynamic_module_on_http_filter_config_new(void *config_envoy, buffer name, buffer config) {
  static const char configured;
  return stockade_configure(config.ptr, config.length) > 0 ? &configured : NULL;
}

const void *EXPORT envoy_dynamic_module_on_http_filter_new(const void *config, void *envoy) {
  static uint64_t last;
  stream *s = calloc(1, sizeof(stream));
  if (s == NULL) return NULL;
  s->envoy = envoy;
  s->number = ++last;
  return s;
}

void EXPORT envoy_dynamic_module_on_http_filter_destroy(const void *m) {
  free(((stream *)m)->replacement);
  free((void *)m);
}

static int judge_request_body(stream *s) {
  packed_used = 0;
  int result = -1;
  if (pack_body(s->envoy, BUFFERED_REQUEST) && pack_body(s->envoy, RECEIVED_REQUEST))
    result = stockade_request_body(s->number, packed_used ? packed : "", packed_used);
  if (result == SUSPENDED) s->waits = AT_REQUEST_BODY;
  if (result <= 0) fail(s);
  return result == FORWARD ? CONTINUE : STOP;
}

int EXPORT envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  size_t own = 0;
  s->began = now();
  packed_used = 0;
  bool good = pack_request(envoy, &own);
  s->opened = true;
  s->request_ended = ends;
  int result = good ? stockade_request(s, s->number, packed, own, packed_used - 1, ends) : -1;
  if (result == FORWARD) return !(s->flags & READ_REQUEST_BODY) ? CONTINUE : ends ? judge_request_body(s) : STOP;
  if (result == SUSPENDED) {
    s->waits = AT_REQUEST_HEAD;
    return STOP;
  }
  if (result <= 0) fail(s);
  return STOP_ALL_AND_BUFFER;
}

int EXPORT envoy_dynamic_module_on_http_filter_request_body(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  if (s->answered) return DROP;
  s->seen_body += CALL(http_get_body_size)(envoy, RECEIVED_REQUEST);
  s->request_ended = ends;
  if (s->waits == AT_REQUEST_HEAD) return STOP_READING;
  if (s->max_body && s->seen_body > s->max_body) {
    too_large(s);
    return DROP;
  }
  if (!(s->flags & READ_REQUEST_BODY)) return CONTINUE;
  return ends ? judge_request_body(s) : STOP;
}

int EXPORT envoy_dynamic_module_on_http_filter_request_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  s->request_ended = true;
  if (s->answered || s->waits == AT_REQUEST_HEAD) return STOP;
  return s->flags & READ_REQUEST_BODY ? judge_request_body(s) : CONTINUE;
}

/* Whether a hook of the response may wait. Envoy takes "go on" for an answer once: not again while it is going on, nor
 * while the other half of the exchange still moves. Such a response is refused rather than left hanging. */
static uint64_t continuing;  /* number of the stream whose request goes on just now */
static bool may_wait(const stream *s) { return s->request_ended && s->number != continuing; }

int EXPORT envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  s->responded = now();
  s->response_ended = s->bodiless = ends;
  if (s->answered || !s->opened || !(s->flags & (READ_RESPONSE | READ_RESPONSE_BODY))) return CONTINUE;
  if (!(s->flags & READ_RESPONSE_BODY) && take_shortcut(s)) return CONTINUE;
  packed_used = 0;
  int result = -1;
  if (pack_headers(envoy, RESPONSE))
    result = stockade_response(s->number, packed, packed_used - 1, may_wait(s));
  if (result == SUSPENDED) {
    s->waits = AT_RESPONSE_HEAD;
    return STOP;
  }
  if (result <= 0) refuse_response(s);
  if (s->replacement != NULL && ends) put_replacement(s, BUFFERED_RESPONSE);
  if (s->replacement != NULL) return CONTINUE;
  return s->flags & READ_RESPONSE_BODY && !ends ? STOP : CONTINUE;
}

/* False when it has to wait. */
static bool judge_response_body(stream *s) {
  packed_used = 0;
  int result = -1;
  if (pack_body(s->envoy, BUFFERED_RESPONSE) && pack_body(s->envoy, RECEIVED_RESPONSE))
    result = stockade_response_body(s->number, packed_used ? packed : "", packed_used, may_wait(s));
  if (result == SUSPENDED) s->waits = AT_RESPONSE_BODY;
  if (result <= 0) refuse_response(s);
  return result != SUSPENDED;
}

static void drain_received(stream *s) {
  size_t size = CALL(http_get_body_size)(s->envoy, RECEIVED_RESPONSE);
  if (size) CALL(http_drain_body)(s->envoy, RECEIVED_RESPONSE, size);
}

int EXPORT envoy_dynamic_module_on_http_filter_response_body(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = ends;
  if (s->waits == AT_RESPONSE_HEAD) return s->flags & READ_RESPONSE_BODY ? STOP : STOP_READING;
  if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && (!ends || !judge_response_body(s))) return STOP;
  if (s->replacement == NULL || s->replaced) return CONTINUE;
  if (CALL(http_get_body_size)(envoy, BUFFERED_RESPONSE)) {
    put_replacement(s, BUFFERED_RESPONSE);
    drain_received(s);
  } else if (ends) {
    put_replacement(s, RECEIVED_RESPONSE);
  } else {
    drain_received(s);
  }
  return CONTINUE;
}

int EXPORT envoy_dynamic_module_on_http_filter_response_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = true;
  if (s->waits == AT_RESPONSE_HEAD) return STOP;
  if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && !judge_response_body(s)) return STOP;
  if (s->replacement != NULL && !s->replaced) put_replacement(s, BUFFERED_RESPONSE);
  return CONTINUE;
}

static void go_on_with_request(stream *s, int at, int result) {
  if (result <= 0) fail(s);
  if (result != FORWARD) return;
  if (s->max_body && s->seen_body > s->max_body) {
    too_large(s);
    return;
  }
  if (at == AT_REQUEST_HEAD && s->flags & READ_REQUEST_BODY && (!s->request_ended || judge_request_body(s) != CONTINUE))
    return;
  continuing = s->number;
  CALL(http_filter_continue_decoding)(s->envoy);  /* may end the stream, and with it `s` */
  continuing = 0;
}

static void go_on_with_response(stream *s, int at, int result) {
  if (result <= 0) refuse_response(s);
  if (at == AT_RESPONSE_HEAD && s->flags & READ_RESPONSE_BODY && s->replacement == NULL && !s->bodiless &&
      (!s->response_ended || !judge_response_body(s)))
    return;
  if (s->replacement != NULL && s->response_ended) put_replacement(s, BUFFERED_RESPONSE);
  else if (s->replacement != NULL && CALL(http_get_body_size)(s->envoy, BUFFERED_RESPONSE))
    CALL(http_drain_body)(s->envoy, BUFFERED_RESPONSE, CALL(http_get_body_size)(s->envoy, BUFFERED_RESPONSE));
  CALL(http_filter_continue_encoding)(s->envoy);
}

void EXPORT envoy_dynamic_module_on_http_filter_scheduled(void *envoy, const void *m, uint64_t event) {
  stream *s = (stream *)m;
  int at = s->waits;
  if (at == AWAKE) return;
  s->waits = AWAKE;
  int result = stockade_resume(s->number);
  if (at < AT_RESPONSE_HEAD) go_on_with_request(s, at, result);
  else go_on_with_response(s, at, result);
}

void EXPORT envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (!s->opened) return;
  uint64_t status = 0;
  CALL(http_filter_get_attribute_int)(envoy, ATTRIBUTE_STATUS, &status);
  int64_t upstream = s->forwarded && s->responded ? s->responded - s->forwarded : -1;
  if (!put_completion((completion){s->number, now() - s->began, upstream, (uint32_t)status})) {
    stockade_completed();  /* makes room */
    put_completion((completion){s->number, now() - s->began, upstream, (uint32_t)status});
  }
}

/* Hooks that the ABI demands and we have no use for. */
void EXPORT envoy_dynamic_module_on_http_filter_config_destroy(const void *c) {}
const void *EXPORT envoy_dynamic_module_on_http_filter_per_route_config_new(buffer n, buffer c) { return NULL; }
void EXPORT envoy_dynamic_module_on_http_filter_per_route_config_destroy(const void *c) {}
int EXPORT envoy_dynamic_module_on_http_filter_local_reply(void *f, const void *m, uint32_t code, buffer d, bool r) { return 0; }
void EXPORT envoy_dynamic_module_on_http_filter_http_callout_done(void *f, const void *m, uint64_t id, int r, header *h, size_t nh, buffer *b, size_t nb) {}
void EXPORT envoy_dynamic_module_on_http_filter_http_stream_headers(void *f, const void *m, uint64_t id, header *h, size_t n, bool e) {}
void EXPORT envoy_dynamic_module_on_http_filter_http_stream_data(void *f, const void *m, uint64_t id, buffer *b, size_t n, bool e) {}
void EXPORT envoy_dynamic_module_on_http_filter_http_stream_trailers(void *f, const void *m, uint64_t id, header *h, size_t n) {}
void EXPORT envoy_dynamic_module_on_http_filter_http_stream_complete(void *f, const void *m, uint64_t id) {}
void EXPORT envoy_dynamic_module_on_http_filter_http_stream_reset(void *f, const void *m, uint64_t id, int r) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_scheduled(void *f, const void *c, uint64_t id) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_callout_done(void *f, const void *c, uint64_t id, int r, header *h, size_t nh, buffer *b, size_t nb) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_stream_headers(void *f, const void *c, uint64_t id, header *h, size_t n, bool e) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_stream_data(void *f, const void *c, uint64_t id, buffer *b, size_t n, bool e) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_stream_trailers(void *f, const void *c, uint64_t id, header *h, size_t n) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_stream_complete(void *f, const void *c, uint64_t id) {}
void EXPORT envoy_dynamic_module_on_http_filter_config_http_stream_reset(void *f, const void *c, uint64_t id, int r) {}
void EXPORT envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(void *f, const void *m) {}
void EXPORT envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(void *f, const void *m) {}
