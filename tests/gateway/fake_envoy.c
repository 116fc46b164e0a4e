/* The real filter between an Envoy and a Python that do what a script says, in whatever order Envoy's ABI allows: heads,
 * bodies, trailers, waits, resets, clients that leave, hooks inside of hooks. Built with sanitizers and run by
 * test_filter_fuzzed.py. Scripts are bytes on stdin, each behind its length (two bytes); what is wrong ends the process. */
#include "hooks.c"

#include <assert.h>
#include <stdio.h>

enum { MOST_FILTERS = 32, MOST_EVENTS = 1024, UPSTREAMS = 1 };  /* the last: every byte of an upstream's body */
typedef struct { char *text; size_t length; bool there; } body;
typedef struct { header fields[200]; size_t count; } map;
typedef struct {
  const void *module;  /* NULL once it is destroyed */
  map maps[4];
  body bodies[4];
  bool continues, passed, refused;  /* Envoy's in_continue_; the upstream has the request; nothing of its response may go on */
  int request, response;            /* 0: nothing came, 1: the head, 2: all of it */
} filter;
typedef struct { filter *of; } scheduler;
typedef struct { uint64_t number; int phase, completed; void *waits; bool flows; } known;  /* what Python knows of a stream */

static filter *filters[MOST_FILTERS];
static int filter_count, event_count, known_count;
static struct { filter *of; uint64_t event; } events[MOST_EVENTS];
static known knowns[MOST_FILTERS];
static const unsigned char *script;
static size_t left;
static volatile unsigned char seen;

static unsigned next(unsigned below) { return left ? (left--, *script++ % below) : 0; }
static filter *alive(void *f) { assert(((filter *)f)->module != NULL); return f; }
static void look(const char *text, size_t length) { for (size_t i = 0; i < length; i++) seen ^= (unsigned char)text[i]; }
static char *copy(const char *text, size_t length) {
  char *made = malloc(length ? length : 1);  /* exactly as long: what reads beyond is caught */
  if (length) memcpy(made, text, length);
  return made;
}

/* ---- Envoy's heads ---- */

static void drop(map *m, size_t i) {
  free((char *)m->fields[i].key);
  free((char *)m->fields[i].value);
  m->fields[i] = m->fields[--m->count];
}
static void put_field(map *m, buffer key, buffer value) {
  if (m->count < 200)
    m->fields[m->count++] = (header){copy(key.ptr, key.length), key.length, copy(value.ptr, value.length), value.length};
}
static void remove_all(map *m, buffer key) {
  for (size_t i = m->count; i-- > 0;)
    if (m->fields[i].key_length == key.length && strncasecmp(m->fields[i].key, key.ptr, key.length) == 0) drop(m, i);
}
static buffer text(const char *of) { return (buffer){of, strlen(of)}; }
static void fill(map *m, bool response) {
  static const char *names[] = {"content-type", "x-one", "Set-Cookie", "content-length", "x-request-id", ""};
  static const char *values[] = {"application/json", "", "text/event-stream", "application/grpc", "x"};
  if (response) put_field(m, text(":status"), text((const char *[]){"200", "101", "404", "5", ""}[next(5)]));
  else put_field(m, text(":method"), text((const char *[]){"GET", "HEAD", "POST"}[next(3)]));
  if (!response && next(4)) put_field(m, text(":path"), text("/"));
  for (unsigned n = next(8) ? next(6) : 150; n; n--) put_field(m, text(names[next(6)]), text(values[next(5)]));
}
size_t CALL(http_get_headers_size)(void *f, int kind) { return alive(f)->maps[kind].count; }
bool CALL(http_get_headers)(void *f, int kind, header *out) {
  map *m = &alive(f)->maps[kind];
  memcpy(out, m->fields, m->count * sizeof(header));
  return m->count > 0;
}
bool CALL(http_add_header)(void *f, int kind, buffer key, buffer value) {
  put_field(&alive(f)->maps[kind], key, value);
  return true;
}
bool CALL(http_set_header)(void *f, int kind, buffer key, buffer value) {
  remove_all(&alive(f)->maps[kind], key);
  if (value.ptr != NULL) put_field(&alive(f)->maps[kind], key, value);
  return true;
}

/* ---- Envoy's bodies ---- */

static void clear(body *b) { free(b->text); *b = (body){NULL, 0, false}; }
static void append(body *b, const char *data, size_t length) {
  char *longer = malloc(b->length + length + 1);
  if (b->length) memcpy(longer, b->text, b->length);
  if (length) memcpy(longer + b->length, data, length);
  size_t all = b->length + length;
  clear(b);
  *b = (body){longer, all, true};
}
size_t CALL(http_get_body_size)(void *f, int kind) { return alive(f)->bodies[kind].length; }
size_t CALL(http_get_body_chunks_size)(void *f, int kind) { return alive(f)->bodies[kind].there ? 2 : 0; }
bool CALL(http_get_body_chunks)(void *f, int kind, buffer *out) {
  body *b = &alive(f)->bodies[kind];
  size_t half = b->length / 2;
  out[0] = (buffer){b->text, half};
  out[1] = (buffer){b->text + half, b->length - half};
  return true;
}
bool CALL(http_drain_body)(void *f, int kind, size_t count) {
  body *b = &alive(f)->bodies[kind];
  if (!b->there) return false;
  assert(count == b->length);
  b->length = 0;
  return true;
}
bool CALL(http_append_body)(void *f, int kind, buffer data) {
  body *b = &alive(f)->bodies[kind];
  bool received = kind == RECEIVED_REQUEST || kind == RECEIVED_RESPONSE;
  if (received && !b->there) return false;
  append(b, data.ptr, data.length);
  return true;
}
void CALL(http_set_buffer_limit)(void *f, uint64_t limit) { alive(f); }

/* ---- Envoy's streams ---- */

static void finish(filter *f) {
  if (f->module == NULL) return;
  envoy_dynamic_module_on_http_filter_stream_complete(f, f->module);
  const void *module = f->module;
  f->module = NULL;
  envoy_dynamic_module_on_http_filter_destroy(module);
}
/* A refusal is sent when the upstream has ended, if not before. */
static void over(const filter *f) {
  assert(!f->refused || f->continues || ((const stream *)f->module)->waits != AWAKE);
}
/* What a hook of a body lets go on, goes on; what it stops, is kept. */
static void sort_out(filter *f, int result, int received) {
  body *came = &f->bodies[received], *kept = &f->bodies[received + 1];
  bool response = received == RECEIVED_RESPONSE;
  if (f->module != NULL && result == CONTINUE) {
    f->continues = true;
    if (!response) f->passed = true;
    if (response && f->refused)
      assert(!(came->length && memchr(came->text, UPSTREAMS, came->length)) && !(kept->length && memchr(kept->text, UPSTREAMS, kept->length)));
    clear(kept);
  } else if (f->module != NULL) {
    f->continues = false;
    if (result != DROP && came->length) append(kept, came->text, came->length);
  }
  clear(came);
}
static void receive(filter *f, int kind, const char *data, size_t length, bool ends) {
  bool merges = ends && f->bodies[kind + 1].there;
  append(&f->bodies[merges ? kind + 1 : kind], data, length);
  if (merges) append(&f->bodies[kind], "", 0);
  int result = kind == RECEIVED_REQUEST ? envoy_dynamic_module_on_http_filter_request_body(f, f->module, ends)
                                        : envoy_dynamic_module_on_http_filter_response_body(f, f->module, ends);
  sort_out(f, result, kind);
}
static void respond(filter *f, bool ends) {
  f->response = ends ? 2 : 1;
  fill(&f->maps[RESPONSE], true);
  int result = envoy_dynamic_module_on_http_filter_response_headers(f, f->module, ends);
  if (f->module == NULL) return;
  f->continues = result == CONTINUE;
  if (f->continues && ends) finish(f);
}
void CALL(http_send_response_headers)(void *envoy, header *headers, size_t count, bool ends) {
  filter *f = envoy;
  if (f->module == NULL) return;
  assert(count > 0 && headers[0].key[0] == ':');
  while (f->maps[RESPONSE].count) drop(&f->maps[RESPONSE], 0);
  for (size_t i = 0; i < count; i++)
    put_field(&f->maps[RESPONSE], (buffer){headers[i].key, headers[i].key_length}, (buffer){headers[i].value, headers[i].value_length});
  f->response = ends ? 2 : 1;
  assert(envoy_dynamic_module_on_http_filter_response_headers(f, f->module, ends) == CONTINUE);
  if (ends || next(4) == 0) finish(f);  /* the connection may break at that */
}
void CALL(http_send_response_data)(void *envoy, buffer data, bool ends) {
  filter *f = envoy;
  if (f->module == NULL) return;
  f->response = 2;
  append(&f->bodies[RECEIVED_RESPONSE], data.ptr, data.length);
  assert(envoy_dynamic_module_on_http_filter_response_body(f, f->module, ends) == CONTINUE);
  clear(&f->bodies[RECEIVED_RESPONSE]);
  finish(f);
}
void CALL(http_send_response_trailers)(void *envoy, header *trailers, size_t count) {
  filter *f = envoy;
  if (f->module == NULL) return;
  for (size_t i = 0; i < count; i++) look(trailers[i].value, trailers[i].value_length);
  assert(envoy_dynamic_module_on_http_filter_response_trailers(f, f->module) == CONTINUE);
  finish(f);
}
void CALL(http_filter_reset_stream)(void *f, int reason, buffer details) { finish(alive(f)); }
void CALL(http_clear_route_cache)(void *f) { alive(f); }
void CALL(http_filter_continue_decoding)(void *envoy) {
  filter *f = alive(envoy);
  if (f->continues) return;
  f->passed = true;
  clear(&f->bodies[BUFFERED_REQUEST]);
  if (next(4) == 0 && f->response == 0) respond(f, next(2));  /* no upstream: Envoy answers at once */
  f->continues = true;
}
void CALL(http_filter_continue_encoding)(void *envoy) {
  filter *f = alive(envoy);
  if (f->continues) return;
  f->continues = true;
  if (f->refused) assert(!f->bodies[BUFFERED_RESPONSE].length || !memchr(f->bodies[BUFFERED_RESPONSE].text, UPSTREAMS, f->bodies[BUFFERED_RESPONSE].length));
  clear(&f->bodies[BUFFERED_RESPONSE]);
  if (f->response == 2) finish(f);
}
void *CALL(http_filter_scheduler_new)(void *f) {
  scheduler *made = malloc(sizeof *made);
  made->of = alive(f);
  return made;
}
void CALL(http_filter_scheduler_commit)(void *s, uint64_t event) {
  if (event_count == MOST_EVENTS) return;
  events[event_count].of = ((scheduler *)s)->of;
  events[event_count++].event = event;
}
void CALL(http_filter_scheduler_delete)(void *s) { free(s); }
bool CALL(http_filter_get_attribute_string)(void *f, int attribute, buffer *out) {
  alive(f);
  if (attribute == ATTRIBUTE_SOURCE || next(4) == 0) *out = text("[::1]:80");
  else if (attribute == ATTRIBUTE_PEER_DNS && next(8) == 0) *out = (buffer){"a\0b", 3};
  else return false;
  return true;
}
bool CALL(http_filter_get_attribute_int)(void *f, int attribute, uint64_t *out) { alive(f); return false; }
bool CALL(http_get_downstream_direct_remote_address)(void *f, buffer *out) {
  alive(f);
  *out = text((const char *[]){"192.0.2.1:1", "", "[", ":", "[::1]:443"}[next(5)]);
  return true;
}

/* ---- Python ---- */

static const char SETS[] = "x-one\0a\0set-cookie\0b\0set-cookie\0c\0content-length\0";
static known *know(uint64_t number) {
  for (int i = 0; i < known_count; i++)
    if (knowns[i].number == number) return &knowns[i];
  knowns[known_count] = (known){number, 0, 0, NULL, false};
  return &knowns[known_count++];
}
static void refuse(uint64_t number) { stream *s = find(number); if (s != NULL) ((filter *)s->envoy)->refused = true; }
static int suspend(known *k) {
  assert(k->waits == NULL);
  k->waits = stockade_scheduler(k->number);
  return SUSPENDED;
}
static int answers(uint64_t number) {
  static const char fields[] = ":status\000403\0x\0y";
  static char many[1000];
  memset(many, 0, sizeof many);
  if (next(8) == 0) stockade_answer(number, many, sizeof many, "", 0);  /* more fields than there may be */
  else stockade_answer(number, fields, sizeof fields - 1, "no", next(3));
  return ANSWERED;
}
static int enact_request(known *k) {
  if (next(4) == 0) return answers(k->number);
  uint32_t flags = next(128) & ~(uint32_t)READ_RESPONSE_STREAM;
  if (flags & READ_REQUEST_STREAM) flags &= ~(uint32_t)READ_REQUEST_BODY;
  stockade_forward(k->number, flags, (int32_t)next(3) - 1, next(3) * 4, SETS, sizeof SETS - 1, "x-two", 5);
  return FORWARD;
}
static int enact_body(known *k) {
  if (next(4) == 0) return answers(k->number);
  stockade_edit_request(k->number, SETS, sizeof SETS - 1, "", 0);
  if (next(2)) stockade_replace_request_body(k->number, "replaced", next(9));
  return FORWARD;
}
static int enact_response(known *k, bool head) {
  unsigned way = next(6);
  if (way < 2) {
    refuse(k->number);
    stockade_edit_response(k->number, SETS, sizeof SETS - 1, "x-one\0content-type", 18);
    return stockade_replace_body(k->number, "replaced", next(9)) == 0 ? FORWARD : -1;
  }
  if (head && way < 4) stockade_watch_response(k->number, way == 2);
  if (head && way == 4) stockade_let_response_go(k->number);
  return FORWARD;
}
static int judge(known *k, int phase, bool may) {
  k->phase = phase;
  unsigned way = next(6);
  if (way == 0 && phase >= 2) refuse(k->number);
  if (way == 0) return -1;
  if (way == 1 && may) return suspend(k);
  return phase == 0 ? enact_request(k) : phase == 1 ? enact_body(k) : enact_response(k, phase == 2);
}
static int stockade_configure(const char *config, size_t length) { return FORWARD; }
static int stockade_requests(const char *fields, const int64_t *rows, int *results, int count) {
  assert(count > 0);
  for (int i = 0, begin = 0; i < count; begin = (int)rows[i++ * ROW + 2]) {
    assert(begin < rows[i * ROW + 1] && rows[i * ROW + 1] < rows[i * ROW + 2]);
    look(fields + begin, (size_t)(rows[i * ROW + 2] - begin));
    results[i] = judge(know((uint64_t)rows[i * ROW]), 0, true);
    for (int other = 0; other < filter_count; other++)  /* all streams of a connection may go at once */
      if (next(16) == 1) finish(filters[other]);
  }
  return FORWARD;
}
static int stockade_request_body(uint64_t number, const char *data, size_t length) {
  look(data, length);
  return judge(know(number), 1, true);
}
static int stockade_too_large(uint64_t number) { return next(2) ? answers(number) : -1; }
static int stockade_resume(uint64_t number) {
  known *k = know(number);
  if (next(6) == 0) {
    if (k->phase >= 2) refuse(number);
    return -1;
  }
  return k->phase == 0 ? enact_request(k) : k->phase == 1 ? enact_body(k) : enact_response(k, k->phase == 2);
}
static int stockade_response(uint64_t number, const char *fields, size_t length, int may_wait) {
  look(fields, length + 1);
  assert(fields[0] == ':');
  return judge(know(number), 2, may_wait);
}
static int stockade_response_body(uint64_t number, const char *data, size_t length, int may_wait) {
  look(data, length);
  return judge(know(number), 3, may_wait);
}
static int stockade_piece(uint64_t number, int kind, int begun, const char *data, size_t length, int ends) {
  look(data, length);
  unsigned way = next(8);
  bool response = kind >= RECEIVED_RESPONSE;
  if (way == 0) return -1;
  if (way == 1 && !response && !begun) return answers(number);
  if (way == 2) stockade_put(number, kind, "put", next(4));
  if (way == 3) stockade_end(number, "grpc-status\0" "13", next(2) ? 14 : 0, (int)next(2));
  if (way == 4) stockade_release(number);
  if (way == 5 && response && find(number)->holds) {
    refuse(number);
    return stockade_replace_body(number, "replaced", 8) == 0 ? FORWARD : -1;
  }
  if (ends && response) stockade_release(number);
  return FORWARD;
}
static void stockade_completed(void) {
  static completion over[MOST_COMPLETIONS];
  for (int i = stockade_take_completions(over); i-- > 0;) know(over[i].number)->completed++;
}

/* ---- A script ---- */

static void begin(void) {
  if (filter_count == MOST_FILTERS) return;
  filter *f = filters[filter_count++] = calloc(1, sizeof *f);
  f->module = envoy_dynamic_module_on_http_filter_new("", f);
  assert(f->module != NULL);
  fill(&f->maps[REQUEST], false);
  f->request = next(2) + 1;
  int result = envoy_dynamic_module_on_http_filter_request_headers(f, f->module, f->request == 2);
  f->continues = result == CONTINUE;
}
static void take_event(void) {
  if (event_count == 0) return;
  filter *f = events[0].of;
  uint64_t event = events[0].event;
  memmove(events, events + 1, (size_t)--event_count * sizeof *events);
  if (f->module != NULL) envoy_dynamic_module_on_http_filter_scheduled(f, f->module, event);
}
static void wake(unsigned which) {
  known *k = &knowns[which];
  if (which >= (unsigned)known_count || k->waits == NULL) return;
  void *scheduler = k->waits;
  k->waits = NULL;
  stockade_wake(scheduler);
}
static void step(void) {
  static const unsigned char likely[] = {0, 1, 1, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 8};
  unsigned what = likely[next(sizeof likely)];
  if (what == 0) begin();
  if (what == 1) take_event();
  if (what == 2) wake(next(MOST_FILTERS));
  if (what < 3 || filter_count == 0) return;
  filter *f = filters[next((unsigned)filter_count)];
  if (f->module == NULL) return;
  bool ends = next(2);
  if (what == 3 && f->request == 1) {
    if (ends) f->request = 2;
    receive(f, RECEIVED_REQUEST, "RRRRRRRR", next(9), ends);
  } else if (what == 4 && f->request == 1) {
    f->request = 2;
    sort_out(f, envoy_dynamic_module_on_http_filter_request_trailers(f, f->module), RECEIVED_REQUEST);
  } else if (what == 5 && f->passed && f->response == 0) {
    respond(f, ends);
  } else if (what == 6 && f->response == 1) {
    if (ends) f->response = 2;
    receive(f, RECEIVED_RESPONSE, "\1\1\1\1\1\1\1\1", next(9), ends);
    if (ends && f->module != NULL) over(f);
    if (ends && f->module != NULL && f->continues) finish(f);
  } else if (what == 7 && f->response == 1) {
    f->response = 2;
    fill(&f->maps[RESPONSE_TRAILERS], false);
    sort_out(f, envoy_dynamic_module_on_http_filter_response_trailers(f, f->module), RECEIVED_RESPONSE);
    for (size_t i = 0; f->refused && f->module != NULL && f->continues && i < f->maps[RESPONSE_TRAILERS].count; i++)
      assert(f->maps[RESPONSE_TRAILERS].fields[i].key[0] == ':' || f->maps[RESPONSE_TRAILERS].fields[i].key_length == 0);
    if (f->module != NULL) over(f);
    if (f->continues) finish(f);
  } else if (what == 8 && ends) {
    finish(f);
  }
}
static void play(void) {
  static const char none[1];
  if (shortcut_count == 0) stockade_add_shortcut(400, SETS, sizeof SETS - 1, "x-two", 5, "x-one", 5, none, 0);
  while (left) step();
  for (int i = 0; i < filter_count; i++) finish(filters[i]);
  while (event_count) take_event();
  for (unsigned i = 0; i < MOST_FILTERS; i++) wake(i);
  event_count = 0;
  stockade_completed();
  for (int i = 0; i < known_count; i++) assert(knowns[i].completed == 1);
  assert(carrier == 0 && batches[0].count == 0 && batches[1].count == 0 && free_count == slot_count);
  for (int i = 0; i < filter_count; i++) {
    for (int kind = 0; kind < 4; kind++) {
      clear(&filters[i]->bodies[kind]);
      while (filters[i]->maps[kind].count) drop(&filters[i]->maps[kind], 0);
    }
    free(filters[i]);
  }
  filter_count = known_count = 0;
}
int main(void) {
  static unsigned char text[65536];
  for (int high; (high = getchar()) != EOF;) {
    left = (size_t)high << 8 | (size_t)(getchar() & 255);
    script = text;
    if (fread(text, 1, left, stdin) != left) return 2;
    play();
  }
  return 0;
}
