/* The part of Stockade that lives in Envoy's address space: the hooks of Envoy's dynamic-module ABI.
 *
 * Python is called only where a decision is due: once for a batch of request heads, once for a response head where a
 * control reads it and no shortcut suffices, once for many ends. Envoy has one worker thread, on which all hooks run.
 */
#include "batch.h"

EXPORT const char *envoy_dynamic_module_on_program_init(void) { return "v0.2.0"; }

EXPORT const void *envoy_dynamic_module_on_http_filter_config_new(void *config_envoy, buffer name, buffer config) {
  static const char configured;
  return stockade_configure(config.ptr, config.length) > 0 ? &configured : NULL;
}

EXPORT const void *envoy_dynamic_module_on_http_filter_new(const void *config, void *envoy) {
  stream *s = calloc(1, sizeof(stream));
  if (s == NULL) return NULL;
  s->envoy = envoy;
  if (enter(s)) return s;
  free(s);
  return NULL;
}

EXPORT void envoy_dynamic_module_on_http_filter_destroy(const void *m) {
  stream *s = (stream *)m;
  leave(s);
  leave_batch(s);
  free(s->replacement);
  free(s->ending);
  free(s);
}

EXPORT int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  s->began = now();
  s->request_ended = ends;
  if (join_batch(s)) return STOP;
  fail(s);
  return STOP_ALL_AND_BUFFER;
}

EXPORT int envoy_dynamic_module_on_http_filter_request_body(void *envoy, const void *m, bool ends) {
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

EXPORT int envoy_dynamic_module_on_http_filter_request_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  s->request_ended = true;
  if (s->answered || waits_at_head(s)) return STOP;
  if (s->flags & READ_REQUEST_STREAM) return relay_request(s, BUFFERED_REQUEST) == CONTINUE ? CONTINUE : STOP;
  return s->flags & READ_REQUEST_BODY ? judge_request_body(s) : CONTINUE;
}

EXPORT int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  s->responded = now();
  s->response_ended = s->bodiless = ends;
  if (s->answered || !s->opened || !(s->flags & CONCERNS_RESPONSE)) return CONTINUE;
  int result = judge_response_head(s);
  if (result == SUSPENDED) {
    s->waits = AT_RESPONSE_HEAD;
    return STOP;
  }
  if (result <= 0) refuse_response(s);
  if (s->replacement != NULL) {
    put_replacement(s, BUFFERED_RESPONSE);
    return CONTINUE;
  }
  return (s->flags & READ_RESPONSE_BODY || s->holds) && !ends ? STOP : CONTINUE;
}

EXPORT int envoy_dynamic_module_on_http_filter_response_body(void *envoy, const void *m, bool ends) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = ends;
  if (s->waits == AT_RESPONSE_HEAD) return s->flags & READ_RESPONSE_BODY ? STOP : STOP_READING;
  if (s->cut || (s->flags & READ_RESPONSE_STREAM && s->replacement == NULL)) {
    int result = relay_response(s, RECEIVED_RESPONSE);
    if (result == DROP || s->replacement == NULL) return result;  /* DROP: it may be gone */
  }
  if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && (!ends || !judge_response_body(s))) return STOP;
  if (s->replacement != NULL && !s->replaced) put_replacement(s, RECEIVED_RESPONSE);
  return CONTINUE;
}

EXPORT int envoy_dynamic_module_on_http_filter_response_trailers(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (s->answered) return CONTINUE;
  s->response_ended = true;
  if (s->waits == AT_RESPONSE_HEAD) return STOP;
  if (s->cut || (s->flags & READ_RESPONSE_STREAM && s->replacement == NULL)) {
    if (relay_trailers(s) != CONTINUE) return STOP;
  } else if (s->replacement == NULL && s->flags & READ_RESPONSE_BODY && !judge_response_body(s)) {
    return STOP;
  }
  if (s->replacement == NULL) return CONTINUE;
  strip(s, RESPONSE_TRAILERS);
  if (!s->replaced) put_replacement(s, BUFFERED_RESPONSE);
  return CONTINUE;
}

EXPORT void envoy_dynamic_module_on_http_filter_scheduled(void *envoy, const void *m, uint64_t event) {
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

EXPORT void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *m) {
  stream *s = (stream *)m;
  if (s->waits != AT_BATCH && !s->opened) return;  /* Python never hears of it */
  uint64_t status = 0;
  CALL(http_filter_get_attribute_int)(envoy, ATTRIBUTE_STATUS, &status);
  int64_t upstream = s->forwarded && s->responded ? s->responded - s->forwarded : -1;
  completion done = {s->number, now() - s->began, upstream, (uint32_t)status};
  if (s->waits == AT_BATCH) batches[s->batch].ends[s->place] = done;
  else complete(done);
}

/* Hooks that the ABI demands and we have no use for. */
EXPORT void envoy_dynamic_module_on_http_filter_config_destroy(const void *c) {}
EXPORT const void *envoy_dynamic_module_on_http_filter_per_route_config_new(buffer n, buffer c) { return NULL; }
EXPORT void envoy_dynamic_module_on_http_filter_per_route_config_destroy(const void *c) {}
EXPORT int envoy_dynamic_module_on_http_filter_local_reply(void *f, const void *m, uint32_t code, buffer d, bool r) { return 0; }
EXPORT void envoy_dynamic_module_on_http_filter_http_callout_done(void *f, const void *m, uint64_t id, int r, header *h, size_t nh, buffer *b, size_t nb) {}
EXPORT void envoy_dynamic_module_on_http_filter_http_stream_headers(void *f, const void *m, uint64_t id, header *h, size_t n, bool e) {}
EXPORT void envoy_dynamic_module_on_http_filter_http_stream_data(void *f, const void *m, uint64_t id, buffer *b, size_t n, bool e) {}
EXPORT void envoy_dynamic_module_on_http_filter_http_stream_trailers(void *f, const void *m, uint64_t id, header *h, size_t n) {}
EXPORT void envoy_dynamic_module_on_http_filter_http_stream_complete(void *f, const void *m, uint64_t id) {}
EXPORT void envoy_dynamic_module_on_http_filter_http_stream_reset(void *f, const void *m, uint64_t id, int r) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_scheduled(void *f, const void *c, uint64_t id) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_callout_done(void *f, const void *c, uint64_t id, int r, header *h, size_t nh, buffer *b, size_t nb) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_stream_headers(void *f, const void *c, uint64_t id, header *h, size_t n, bool e) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_stream_data(void *f, const void *c, uint64_t id, buffer *b, size_t n, bool e) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_stream_trailers(void *f, const void *c, uint64_t id, header *h, size_t n) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_stream_complete(void *f, const void *c, uint64_t id) {}
EXPORT void envoy_dynamic_module_on_http_filter_config_http_stream_reset(void *f, const void *c, uint64_t id, int r) {}
EXPORT void envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(void *f, const void *m) {}
EXPORT void envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(void *f, const void *m) {}
