/* What our verdicts change in a message's head. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "streams.h"

/* Whether the name stands in the list before `at`. */
static bool stands_before(const char *list, const char *at, buffer name) {
  for (const char *other = list; other < at; other += strlen(other) + 1) {
    if (strcmp(other, name.ptr) == 0) return true;
    other += strlen(other) + 1;  /* its value */
  }
  return false;
}

/* Names and values of `sets` (name NUL value NUL ...) replace, names of `removes` go. A name that stands twice in
 * `sets` has two lines, as Set-Cookie must. */
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
    bool again = stands_before(sets, at, name);
    at += name.length + 1;
    buffer value = {at, strlen(at)};
    at += value.length + 1;
    if (again) CALL(http_add_header)(s->envoy, kind, name, value);
    else CALL(http_set_header)(s->envoy, kind, name, value);
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
