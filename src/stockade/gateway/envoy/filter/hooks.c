/* The part of Stockade that lives in Envoy's address space: the hooks of Envoy's dynamic-module ABI.
 *
 * Python is called only where a decision is due: once for a batch of request heads, once for a response head where a
 * control reads it and no shortcut suffices, once for many ends. Envoy has one worker thread, on which all hooks run.
 */
#include "batch.h"

const char *EXPORT envoy_dynamic_module_on_program_init(void) { return "v0.2.0"; }

const void *EXPORT envoy_dynamic_module_on_http_filter_config_new(void *config_envoy, buffer name, buffer config) {
  static const char configured;
  return stockade_configure(config.ptr, config.length) > 0 ? &configured : NULL;
}

const void *EXPORT envoy_dynamic_module_on_http_filter_new(const void *config, void *envoy) {
  stream *s = calloc(1, sizeof(stream));
  if (s == NULL) return NULL;
  s->envoy = envoy;
  if (enter(s)) return s;
  free(s);
  return NULL;
}

void EXPORT envoy_dynamic_module_on_http_filter_destroy(const void *m) {
  stream *s = (stream *)m;
  leave(s);
  leave_batch(s);
  free(s->replacement);
  free(s->ending);
  free(s);
}

int EXPORT envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  s->began = now();
  s->request_ended = ends;
  if (join_batch(s)) return STOP;
  fail(s);
  return STOP_ALL_AND_BUFFER;
}

int EXPORT envoy_dynamic_module_on_http_filter_request_body(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  if (s->answered) return DROP;
  s->seen_body += CALL(http_get_body_size)(envoy, RECEIVED_REQUEST);
  s->request_ended = ends;
  if (waits_at_head(s)) return STOP_READING;
  if (s->max_body && s->seen_body > s->max_body) {
    too_large(s);
    return DROP;
  }
  if (s->flags & READ_REQUEST_STREAM) return relay_request(s, RECEIVED_REQUEST);
  if (!(s->flags & READ_REQUEST_BODY)) return CONTINUE;
  return ends ? judge_request_body(s) : STOP;
}

int EXPORT envoy_dynamic_module_on_http_filter_request_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  s->request_ended = true;
  if (s->answered || waits_at_head(s)) return STOP;
  if (s->flags & READ_REQUEST_STREAM) return relay_request(s, BUFFERED_REQUEST) == CONTINUE ? CONTINUE : STOP;
  return s->flags & READ_REQUEST_BODY ? judge_request_body(s) : CONTINUE;
}

int EXPORT envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  s->responded = now();
  s->response_ended = s->bodiless = ends;
  if (s->answered || !s->opened) return CONTINUE;
  if (s->flags & READ_RESPONSE_BODY && switches(s)) s->flags &= ~(uint32_t)READ_RESPONSE_BODY;
  bool streams = s->flags & MAY_SIFT_RESPONSE || (s->flags & MAY_READ_RESPONSE_STREAM && begins_stream(s));
  if (!streams && !(s->flags & (READ_RESPONSE | READ_RESPONSE_BODY))) return CONTINUE;
  if (!streams && take_shortcut(s)) {
    s->flags &= ~(uint32_t)READ_RESPONSE_BODY;  /* the shortcut promises that nobody wants it */
    return CONTINUE;
  }
  scratch.used = 0;
  int result = -1;
  if (pack_headers(&scratch, envoy, RESPONSE))
    result = stockade_response(s->number, scratch.text, scratch.used - 1, may_wait(s));
  if (result == SUSPENDED) {
    s->waits = AT_RESPONSE_HEAD;
    return STOP;
  }
  if (result <= 0) refuse_response(s);
  if (s->replacement != NULL && ends) put_replacement(s, BUFFERED_RESPONSE);
  if (s->replacement != NULL) return CONTINUE;
  return (s->flags & READ_RESPONSE_BODY || s->holds) && !ends ? STOP : CONTINUE;
}

int EXPORT envoy_dynamic_module_on_http_filter_response_body(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = ends;
  if (s->waits == AT_RESPONSE_HEAD) return s->flags & READ_RESPONSE_BODY ? STOP : STOP_READING;
  if (s->cut || (s->flags & READ_RESPONSE_STREAM && s->replacement == NULL)) {
    int result = relay_response(s, RECEIVED_RESPONSE);
    if (s->replacement == NULL) return result;
  }
  if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && (!ends || !judge_response_body(s))) return STOP;
  if (s->replacement == NULL || s->replaced) return CONTINUE;
  if (CALL(http_get_body_size)(envoy, BUFFERED_RESPONSE)) {
    put_replacement(s, BUFFERED_RESPONSE);
    drain(s, RECEIVED_RESPONSE);
  } else if (ends) {
    put_replacement(s, RECEIVED_RESPONSE);
  } else {
    drain(s, RECEIVED_RESPONSE);
  }
  return CONTINUE;
}

int EXPORT envoy_dynamic_module_on_http_filter_response_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = true;
  if (s->waits == AT_RESPONSE_HEAD) return STOP;
  if (s->cut || (s->flags & READ_RESPONSE_STREAM && s->replacement == NULL)) return relay_trailers(s);
  if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && !judge_response_body(s)) return STOP;
  if (s->replacement != NULL && !s->replaced) put_replacement(s, BUFFERED_RESPONSE);
  return CONTINUE;
}

void EXPORT envoy_dynamic_module_on_http_filter_scheduled(void *envoy, const void *m, uint64_t event) {
  if (event == EVENT_BATCH) {
    judge_batch();  /* which may end the stream */
    return;
  }
  stream *s = (stream *)m;
  if (event == EVENT_END) {
    end_stream(s);
    return;
  }
  int at = s->waits;
  if (at == AWAKE) return;
  s->waits = AWAKE;
  int result = stockade_resume(s->number);
  if (at < AT_RESPONSE_HEAD) go_on_with_request(s, at, result);
  else go_on_with_response(s, at, result);
}

void EXPORT envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (s->waits == AT_BATCH) batches[filling].left[s->place] = (now() - s->began) | 1;
  if (!s->opened) return;
  uint64_t status = 0;
  CALL(http_filter_get_attribute_int)(envoy, ATTRIBUTE_STATUS, &status);
  int64_t upstream = s->forwarded && s->responded ? s->responded - s->forwarded : -1;
  complete((completion){s->number, now() - s->began, upstream, (uint32_t)status});
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
