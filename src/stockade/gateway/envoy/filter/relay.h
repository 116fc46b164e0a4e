/* Streams of messages that a control judges. Each piece goes to Python, which says what of it, and of what it held
 * before, may go on. A stream that nobody judges never comes here. */
#pragma once
#include "actions.h"

/* Python's word on a piece: this goes on in its place. */
static void stockade_put(uint64_t number, int kind, const char *data, size_t length) {
  stream *s = find(number);
  if (s == NULL) return;
  if (!(kind == BUFFERED_RESPONSE && s->holds && s->judged)) drain(s, kind);
  if (length) CALL(http_append_body)(s->envoy, kind, (buffer){data, length});
}

/* The response is a stream that is judged: it is not held for those who read whole bodies. With `holds` what passes
 * waits here until `stockade_release`, so that all of it can still be replaced. */
static void stockade_watch_response(uint64_t number, int holds) {
  stream *s = find(number);
  if (s == NULL) return;
  s->flags = (s->flags & ~(uint32_t)READ_RESPONSE_BODY) | READ_RESPONSE_STREAM;
  s->holds = holds;
}

static void stockade_release(uint64_t number) {
  stream *s = find(number);
  if (s != NULL) s->holds = false;
}

/* Nobody reads the body of this response: it is not held. */
static void stockade_let_response_go(uint64_t number) {
  stream *s = find(number);
  if (s != NULL) s->flags &= ~(uint32_t)READ_RESPONSE_BODY;
}

/* End a response that has begun; see `cut_off`. */
static int stockade_end(uint64_t number, const char *ending, size_t length, int with_trailers) {
  stream *s = find(number);
  if (s == NULL || s->cut) return 0;
  buffer kept = keep(ending, length);
  if (kept.ptr == NULL) return -1;
  cut_off(s, (char *)kept.ptr, length, with_trailers);
  return 0;
}

static void end_stream(stream *s) {
  if (!s->cut || s->answered) return;
  s->answered = true;
  if (s->waits == AT_RESPONSE_HEAD) {  /* its own head is not sent yet, and ours cannot be any more */
    CALL(http_filter_reset_stream)(s->envoy, 0, (buffer){"stopped", 7});
  } else if (s->with_trailers) {
    header trailers[MOST_FIELDS];
    CALL(http_send_response_trailers)(s->envoy, trailers, unpack(trailers, s->ending, s->ending_length));
  } else {
    CALL(http_send_response_data)(s->envoy, (buffer){s->ending, s->ending_length}, true);
  }
}

/* False when it could not be judged, and is over. */
static bool ask(stream *s, int kind, bool ends, int *result) {
  empty(&scratch);
  *result = -1;
  bool waits = kind == BUFFERED_RESPONSE && s->holds && s->judged;  /* what is there was judged when it came */
  if (waits || pack_body(&scratch, s->envoy, kind))
    *result = stockade_piece(s->number, kind, s->responded != 0, scratch.used ? scratch.text : "", scratch.used, ends);
  if (kind >= RECEIVED_RESPONSE) s->judged = true;
  if (*result > 0) return true;
  drain(s, kind);
  if (s->responded) CALL(http_filter_reset_stream)(s->envoy, 0, (buffer){"unjudged", 8});
  else fail(s);
  return false;
}

static int relay_request(stream *s, int kind) {
  int result;
  if (s->cut) {
    drain(s, kind);
    return CONTINUE;
  }
  return ask(s, kind, s->request_ended, &result) && result == FORWARD ? CONTINUE : DROP;
}

/* What arrived while the head was judged. False when it does not go on. */
static bool relay_held_request(stream *s) {
  if (!s->seen_body && !s->request_ended) return true;
  return relay_request(s, BUFFERED_REQUEST) == CONTINUE;
}

/* The upstream came to its end before our event loop came to ours. */
static void end_with(stream *s, int kind) {
  if (!s->cut || !s->response_ended || s->answered) return;
  s->answered = true;
  if (!s->with_trailers && s->ending_length)
    CALL(http_append_body)(s->envoy, kind, (buffer){s->ending, s->ending_length});
}

static int relay_response(stream *s, int kind) {
  int result;
  if (s->cut) drain(s, kind);
  else if (!ask(s, kind, s->response_ended, &result)) return DROP;
  if (s->replacement != NULL) return CONTINUE;
  end_with(s, kind);
  return s->holds ? STOP_READING : CONTINUE;  /* STOP would have Envoy answer 500 once much more comes at once */
}

static int relay_trailers(stream *s) {
  int result;
  if (!s->cut && !ask(s, BUFFERED_RESPONSE, true, &result)) return STOP;
  if (s->cut) strip(s, RESPONSE_TRAILERS);
  if (s->replacement != NULL) return CONTINUE;
  if (s->cut && !s->answered && s->with_trailers) edit(s, RESPONSE_TRAILERS, s->ending, s->ending_length, NULL, 0);
  end_with(s, BUFFERED_RESPONSE);
  return CONTINUE;
}

/* Whether what follows is no body, but another protocol. */
static bool switches(const head *h) {
  const header *status = field(h, ":status", 7);
  return status != NULL && begins_with(status, "101");
}

/* Whether a response may be a stream of messages; Python sees more closely. */
static bool begins_stream(const head *h) {
  const header *media = field(h, "content-type", 12);
  if (switches(h)) return true;
  return media != NULL && (begins_with(media, "text/event-stream") || begins_with(media, "application/grpc"));
}
