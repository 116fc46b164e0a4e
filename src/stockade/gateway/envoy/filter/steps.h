/* The steps of an exchange that several hooks share. */
#pragma once
#include "relay.h"

static int judge_request_body(stream *s) {
  empty(&scratch);
  int result = -1;
  if (pack_body(&scratch, s->envoy, BUFFERED_REQUEST) && pack_body(&scratch, s->envoy, RECEIVED_REQUEST))
    result = stockade_request_body(s->number, scratch.used ? scratch.text : "", scratch.used);
  if (result == SUSPENDED) s->waits = AT_REQUEST_BODY;
  if (result <= 0) fail(s);
  return result == FORWARD ? CONTINUE : STOP;
}

/* Whether a hook of the response may wait. Envoy takes "go on" for an answer once: not again while it is going on, nor
 * while the other half of the exchange still moves. Such a response is refused rather than left hanging. */
static uint64_t continuing;  /* number of the stream whose request goes on just now */
static bool may_wait(const stream *s) { return s->waits == AWAKE && s->request_ended && s->number != continuing; }

/* Whether nobody else wants to see this response. */
static bool let_go(stream *s, const head *h) {
  if (s->flags & READ_RESPONSE_BODY && switches(h)) s->flags &= ~(uint32_t)READ_RESPONSE_BODY;
  if (s->flags & MAY_SIFT_RESPONSE || (s->flags & MAY_READ_RESPONSE_STREAM && begins_stream(h))) return false;
  if (!(s->flags & (READ_RESPONSE | READ_RESPONSE_BODY))) return true;
  if (!take_shortcut(s, h)) return false;
  s->flags &= ~(uint32_t)READ_RESPONSE_BODY;  /* the shortcut promises that nobody wants it */
  return true;
}

/* What is to be done with the response whose head is here. */
static int judge_response_head(stream *s) {
  head h;
  if (!open_head(&h, s->envoy, RESPONSE)) return -1;
  empty(&scratch);
  bool done = let_go(s, &h), packed = !done && pack_head(&scratch, &h);
  close_head(&h);
  if (done) return FORWARD;
  return packed ? stockade_response(s->number, scratch.text, scratch.used - 1, may_wait(s)) : -1;
}

/* False when it has to wait. */
static bool judge_response_body(stream *s) {
  empty(&scratch);
  int result = -1;
  if (pack_body(&scratch, s->envoy, BUFFERED_RESPONSE) && pack_body(&scratch, s->envoy, RECEIVED_RESPONSE))
    result = stockade_response_body(s->number, scratch.used ? scratch.text : "", scratch.used, may_wait(s));
  if (result == SUSPENDED) s->waits = AT_RESPONSE_BODY;
  if (result <= 0) refuse_response(s);
  return result != SUSPENDED;
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
  if (at == AT_REQUEST_HEAD && s->flags & READ_REQUEST_STREAM && !relay_held_request(s)) return;
  continuing = s->number;
  CALL(http_filter_continue_decoding)(s->envoy);  /* may end the stream, and with it `s` */
  continuing = 0;
}

static void go_on_with_response(stream *s, int at, int result) {
  if (result <= 0) refuse_response(s);
  if (at == AT_RESPONSE_HEAD && s->flags & READ_RESPONSE_BODY && s->replacement == NULL && !s->bodiless &&
      (!s->response_ended || !judge_response_body(s)))
    return;
  if (at == AT_RESPONSE_HEAD && s->flags & READ_RESPONSE_STREAM && s->replacement == NULL && !s->bodiless &&
      (s->response_ended || CALL(http_get_body_size)(s->envoy, BUFFERED_RESPONSE) || !s->holds) &&
      relay_response(s, BUFFERED_RESPONSE) != CONTINUE)
    return;
  if (s->holds && s->replacement == NULL && !s->bodiless) return;  /* the head waits for the body */
  if (s->replacement != NULL) put_replacement(s, BUFFERED_RESPONSE);
  CALL(http_filter_continue_encoding)(s->envoy);
}
