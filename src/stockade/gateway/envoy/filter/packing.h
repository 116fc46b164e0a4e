/* Everything that Python must know of a message travels as one buffer of NUL-separated texts, because crossing the
 * border costs more than copying. NUL cannot occur in a header field (RFC 9110, section 5.5); Envoy refuses such
 * messages. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abi.h"

/* A buffer that grows and is used again. */
typedef struct {
  char *text;
  size_t size, used;
} packing;

enum { KEPT = 1 << 20 };  /* bytes; a larger one is given back, or one client's body would stay for ever */

static void empty(packing *p) {
  p->used = 0;
  if (p->size <= KEPT) return;
  free(p->text);
  *p = (packing){NULL, 0, 0};
}

static bool room(packing *to, size_t more) {
  if (more <= to->size - to->used) return true;
  if (more > SIZE_MAX / 4 - to->used) return false;
  size_t size = (to->used + more) * 2;
  char *grown = realloc(to->text, size);
  if (grown == NULL) return false;
  to->text = grown;
  to->size = size;
  return true;
}

static bool pack(packing *to, const char *text, size_t length) {
  if (!room(to, length + 1)) return false;
  if (length) memcpy(to->text + to->used, text, length);
  to->text[to->used + length] = '\0';
  to->used += length + 1;
  return true;
}

/* Fails where there is a NUL: a name in a client's certificate may have one, and would be read as several texts. */
static bool pack_attribute(packing *to, void *envoy, int attribute) {
  buffer value = {NULL, 0};
  if (!CALL(http_filter_get_attribute_string)(envoy, attribute, &value)) value.length = 0;
  if (value.length && memchr(value.ptr, '\0', value.length) != NULL) return false;
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

/* A message's head as Envoy has it: valid until the next change to it. One call for all of it costs Envoy as much as
 * asking for a single field. */
typedef struct {
  header *fields, fixed[64];
  size_t count;
} head;

/* False when there is no memory, or no such head (none is empty); there is nothing to close then. */
static bool open_head(head *h, void *envoy, int kind) {
  h->count = CALL(http_get_headers_size)(envoy, kind);
  if (h->count == 0) return false;
  h->fields = h->count <= sizeof h->fixed / sizeof *h->fixed ? h->fixed : malloc(h->count * sizeof(header));
  if (h->fields == NULL) return false;
  if (CALL(http_get_headers)(envoy, kind, h->fields)) return true;
  if (h->fields != h->fixed) free(h->fields);
  return false;
}

static void close_head(head *h) {
  if (h->fields != h->fixed) free(h->fields);
}

static bool is(const header *h, const char *name, size_t length) {
  return h->key_length == length && strncasecmp(h->key, name, length) == 0;
}

/* The first field of that name; NULL: there is none. */
static const header *field(const head *h, const char *name, size_t length) {
  for (size_t i = 0; i < h->count; i++)
    if (is(&h->fields[i], name, length)) return &h->fields[i];
  return NULL;
}

static bool pack_field(packing *to, const header *h) {
  return h == NULL ? pack(to, "", 0) : pack(to, h->value, h->value_length);
}

/* What is a request's own (its target, its id) first; then, from `own` on, what a client's next request is likely to
 * repeat to the letter, so that Python need not read it again: peer, method, host, header fields. */
static bool pack_request(packing *to, void *envoy, size_t *own) {
  head h;
  if (!open_head(&h, envoy, REQUEST)) return false;
  const header *path = field(&h, ":path", 5), *id = field(&h, "x-request-id", 12);
  bool good = pack_field(to, path) && pack_field(to, id);
  *own = to->used;
  buffer peer = {NULL, 0}, source = {NULL, 0};
  good = good && CALL(http_get_downstream_direct_remote_address)(envoy, &peer) && pack_address(to, peer) &&
         CALL(http_filter_get_attribute_string)(envoy, ATTRIBUTE_SOURCE, &source) && pack_address(to, source) &&
         pack_attribute(to, envoy, ATTRIBUTE_PROTOCOL) && pack_attribute(to, envoy, ATTRIBUTE_TLS) &&
         pack_attribute(to, envoy, ATTRIBUTE_PEER_SHA256) && pack_attribute(to, envoy, ATTRIBUTE_PEER_SUBJECT) &&
         pack_attribute(to, envoy, ATTRIBUTE_PEER_DNS) && pack_attribute(to, envoy, ATTRIBUTE_PEER_URI);
  for (size_t i = 0; good && i < h.count; i++)
    if (&h.fields[i] != path && !is(&h.fields[i], "x-request-id", 12))
      good = pack(to, h.fields[i].key, h.fields[i].key_length) && pack(to, h.fields[i].value, h.fields[i].value_length);
  close_head(&h);
  return good;
}

static bool pack_head(packing *to, const head *h) {
  for (size_t i = 0; i < h->count; i++)
    if (!pack(to, h->fields[i].key, h->fields[i].key_length) || !pack(to, h->fields[i].value, h->fields[i].value_length))
      return false;
  return true;
}

static bool pack_body(packing *to, void *envoy, int kind) {
  size_t count = CALL(http_get_body_chunks_size)(envoy, kind);
  if (count == 0) return true;
  buffer *chunks = malloc(count * sizeof(buffer));
  if (chunks == NULL) return false;
  bool good = CALL(http_get_body_chunks)(envoy, kind, chunks);
  for (size_t i = 0; good && i < count; i++) {
    good = room(to, chunks[i].length);
    if (!good || chunks[i].length == 0) continue;
    memcpy(to->text + to->used, chunks[i].ptr, chunks[i].length);
    to->used += chunks[i].length;
  }
  free(chunks);
  return good;
}
