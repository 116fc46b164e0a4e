/* Everything that Python must know of a message travels as one buffer of NUL-separated texts, because crossing the
 * border costs more than copying. NUL cannot occur in a header field (RFC 9110, section 5.5); Envoy refuses such
 * messages. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "abi.h"

/* A buffer that grows and is used again. */
typedef struct {
  char *text;
  size_t size, used;
} packing;

static bool room(packing *to, size_t more) {
  if (to->used + more <= to->size) return true;
  size_t size = (to->used + more) * 2;
  char *grown = realloc(to->text, size);
  if (grown == NULL) return false;
  to->text = grown;
  to->size = size;
  return true;
}

static bool pack(packing *to, const char *text, size_t length) {
  if (!room(to, length + 1)) return false;
  memcpy(to->text + to->used, text, length);
  to->text[to->used + length] = '\0';
  to->used += length + 1;
  return true;
}

static bool pack_attribute(packing *to, void *envoy, int attribute) {
  buffer value = {NULL, 0};
  if (!CALL(http_filter_get_attribute_string)(envoy, attribute, &value)) value.length = 0;
  return pack(to, value.ptr, value.length);
}

/* An address without its port: 192.0.2.1:443 or [2001:db8::1]:443. */
static bool pack_address(packing *to, buffer address) {
  size_t length = address.length;
  while (length > 0 && address.ptr[length - 1] != ':') length--;
  if (length > 0) length--;
  if (length > 1 && address.ptr[0] == '[') return pack(to, address.ptr + 1, length - 2);
  return pack(to, address.ptr, length);
}

static bool is(const header *h, const char *name) {
  return h->key_length == strlen(name) && memcmp(h->key, name, h->key_length) == 0;
}

/* What is a request's own (its target, its id) first; then, from `own` on, what a client's next request is likely to
 * repeat to the letter, so that Python need not read it again: peer, method, host, header fields. */
static bool pack_request(packing *to, void *envoy, size_t *own) {
  size_t count = CALL(http_get_headers_size)(envoy, REQUEST);
  header fixed[128], *headers = count <= 128 ? fixed : malloc(count * sizeof(header));
  if (headers == NULL) return false;
  bool good = CALL(http_get_headers)(envoy, REQUEST, headers);
  header none = {"", 0, "", 0}, *path = &none, *id = &none;
  for (size_t i = 0; good && i < count; i++) {
    if (is(&headers[i], ":path")) path = &headers[i];
    else if (is(&headers[i], "x-request-id")) id = &headers[i];
  }
  good = good && pack(to, path->value, path->value_length) && pack(to, id->value, id->value_length);
  *own = to->used;
  buffer peer = {NULL, 0}, source = {NULL, 0};
  good = good && CALL(http_get_downstream_direct_remote_address)(envoy, &peer) && pack_address(to, peer) &&
         CALL(http_filter_get_attribute_string)(envoy, ATTRIBUTE_SOURCE, &source) && pack_address(to, source) &&
         pack_attribute(to, envoy, ATTRIBUTE_PROTOCOL) && pack_attribute(to, envoy, ATTRIBUTE_TLS) &&
         pack_attribute(to, envoy, ATTRIBUTE_PEER_SHA256) && pack_attribute(to, envoy, ATTRIBUTE_PEER_SUBJECT) &&
         pack_attribute(to, envoy, ATTRIBUTE_PEER_DNS) && pack_attribute(to, envoy, ATTRIBUTE_PEER_URI);
  for (size_t i = 0; good && i < count; i++)
    if (&headers[i] != path && !is(&headers[i], "x-request-id"))
      good = pack(to, headers[i].key, headers[i].key_length) && pack(to, headers[i].value, headers[i].value_length);
  if (headers != fixed) free(headers);
  return good;
}

static bool pack_headers(packing *to, void *envoy, int kind) {
  size_t count = CALL(http_get_headers_size)(envoy, kind);
  header fixed[64], *headers = count <= 64 ? fixed : malloc(count * sizeof(header));
  if (headers == NULL) return false;
  bool good = CALL(http_get_headers)(envoy, kind, headers);
  for (size_t i = 0; good && i < count; i++)
    good = pack(to, headers[i].key, headers[i].key_length) && pack(to, headers[i].value, headers[i].value_length);
  if (headers != fixed) free(headers);
  return good;
}

static bool pack_body(packing *to, void *envoy, int kind) {
  size_t count = CALL(http_get_body_chunks_size)(envoy, kind);
  if (count == 0) return true;
  buffer *chunks = malloc(count * sizeof(buffer));
  if (chunks == NULL) return false;
  bool good = CALL(http_get_body_chunks)(envoy, kind, chunks);
  for (size_t i = 0; good && i < count; i++) {
    good = room(to, chunks[i].length);
    if (good) memcpy(to->text + to->used, chunks[i].ptr, chunks[i].length);
    if (good) to->used += chunks[i].length;
  }
  free(chunks);
  return good;
}
