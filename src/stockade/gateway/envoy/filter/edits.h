/* What our verdicts change in a message's head. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "packing.h"
#include "streams.h"

/* Whether the name stands in the list before `at`. */
static bool stands_before(const char *list, const char *at, buffer name) {
  for (const char *other = list; other < at; other += strlen(other) + 1) {
    if (strcmp(other, name.ptr) == 0) return true;
    other += strlen(other) + 1;  /* its value */
  }
  return false;
}

/* Which of many names are in a head: a bit for each, in order. Taken before the first change to the head, which ends
 * what it points to. Of names beyond the first 64, and where the head is not known, all may be there. */
typedef struct {
  uint64_t bits;
  int count;
} presence;

static void look_up(presence *p, const head *h, const char *name) {
  if (h == NULL || p->count == 64) return;
  p->bits |= (uint64_t)(field(h, name, strlen(name)) != NULL) << p->count++;
}

static bool may_be_there(const presence *p, int index) { return index >= p->count || p->bits >> index & 1; }

/* Names and values of `sets` (name NUL value NUL ...) replace, names of `removes` go. A name that stands twice in
 * `sets` has two lines, as Set-Cookie must. Envoy is asked only for what changes: it takes a name as costly whether the
 * field is there or not. `h` is the head as it is now; NULL: unknown. */
static void edit_head(const stream *s, int kind, const head *h, const char *sets, size_t sets_length,
                      const char *removes, size_t removes_length) {
  const char *removes_end = removes + removes_length, *sets_end = sets + sets_length;
  presence there = {0, 0};
  for (const char *at = removes; at < removes_end; at += strlen(at) + 1) look_up(&there, h, at);
  for (const char *at = sets; at < sets_end; at += strlen(at) + 1) {
    look_up(&there, h, at);
    at += strlen(at) + 1;
  }
  int index = 0;
  buffer none = {NULL, 0};
  for (const char *at = removes; at < removes_end; at += strlen(at) + 1) {
    buffer name = {at, strlen(at)};
    if (may_be_there(&there, index++)) CALL(http_set_header)(s->envoy, kind, name, none);
  }
  for (const char *at = sets; at < sets_end;) {
    buffer name = {at, strlen(at)};
    bool again = stands_before(sets, at, name), replaces = may_be_there(&there, index++);
    at += name.length + 1;
    buffer value = {at, strlen(at)};
    at += value.length + 1;
    if (again || !replaces) CALL(http_add_header)(s->envoy, kind, name, value);
    else CALL(http_set_header)(s->envoy, kind, name, value);
  }
}

static void edit(const stream *s, int kind, const char *sets, size_t sets_length, const char *removes, size_t removes_length) {
  head h;
  bool known = open_head(&h, s->envoy, kind);
  edit_head(s, kind, known ? &h : NULL, sets, sets_length, removes, removes_length);
  if (known) close_head(&h);
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

/* Called on Envoy's thread, when a route is first used. Returns its number, or -1 when there is no room. */
enum { MOST_SHORTCUTS = 65536 };
static int32_t stockade_add_shortcut(int below, const char *sets, size_t sets_length, const char *removes,
                                     size_t removes_length, const char *absent, size_t absent_length,
                                     const char *not_media, size_t not_media_length) {
  if (shortcuts == NULL) shortcuts = calloc(MOST_SHORTCUTS, sizeof(shortcut));
  if (shortcuts == NULL || shortcut_count == MOST_SHORTCUTS) return -1;
  shortcut *way = &shortcuts[shortcut_count];
  *way = (shortcut){below, keep(sets, sets_length), keep(removes, removes_length), keep(absent, absent_length),
                    keep(not_media, not_media_length)};
  bool good = way->sets.ptr != NULL && way->removes.ptr != NULL && way->absent.ptr != NULL && way->not_media.ptr != NULL;
  return good ? shortcut_count++ : -1;
}

static bool begins_with(const header *h, const char *text) {
  return h->value_length >= strlen(text) && strncasecmp(h->value, text, strlen(text)) == 0;
}

/* Whether the response is as ordinary as the shortcut demands. */
static bool fits(const shortcut *way, const head *h) {
  const header *status = field(h, ":status", 7), *media = field(h, "content-type", 12);
  if (status == NULL || status->value_length != 3) return false;
  const char *digits = status->value;
  if ((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0' >= way->below) return false;
  for (const char *at = way->absent.ptr, *end = at + way->absent.length; at < end; at += strlen(at) + 1)
    if (field(h, at, strlen(at)) != NULL) return false;
  if (media != NULL)
    for (const char *at = way->not_media.ptr, *end = at + way->not_media.length; at < end; at += strlen(at) + 1)
      if (begins_with(media, at)) return false;
  return true;
}

/* Whether the response, of which this is the head, needed no more than its shortcut. */
static bool take_shortcut(const stream *s, const head *h) {
  if (s->shortcut < 0 || s->shortcut >= shortcut_count) return false;
  const shortcut *way = &shortcuts[s->shortcut];
  if (!fits(way, h)) return false;
  edit_head(s, RESPONSE, h, way->sets.ptr, way->sets.length, way->removes.ptr, way->removes.length);
  return true;
}
