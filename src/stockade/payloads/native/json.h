/* Whether a text is JSON that all parsers read alike (RFC 8259, RFC 7493), within limits: one pass, nothing built.
 *
 * It never calls unsound text sound. Sound text it may call unsound where telling takes more than a pass (see `number`,
 * `MOST_DEPTH`, `MOST_ESCAPED`), and in the one case of 2^64 in which two names have one hash.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "characters.h"
#include "names.h"

/* Containers within one another; bytes of a name that has escapes; characters of a number that is no integer. */
enum { MOST_DEPTH = 128, MOST_ESCAPED = 256, MOST_FRACTION = 64, MOST_DIGITS = 19 };

typedef struct {
  uint64_t depth, members, items, name, string, number, integer;
} limits;

typedef struct {
  const unsigned char *at, *end; /* a NUL stands at `end`, and no JSON goes on with one: one byte may always be read */
  const limits *most;
  uint64_t members, items;
  uint32_t objects;          /* so far: each has a number of its own, from 1 */
  uint32_t depth;            /* containers that are open */
  uint32_t open[MOST_DEPTH]; /* the objects' numbers; 0 for an array */
  names names;
} text;

static void skip_space(text *t) {
  while (*t->at == ' ' || *t->at == '\n' || *t->at == '\r' || *t->at == '\t') t->at++;
}

static bool take(text *t, unsigned char expected) {
  if (*t->at != expected) return false;
  t->at++;
  return true;
}

/* Strings */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether none of eight bytes ends a run of plain characters: '"', '\', a control character, what is not ASCII. */
static bool are_plain(const unsigned char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
  uint64_t odd = (quote - EACH(1)) | (backslash - EACH(1)) | (word - EACH(0x20)) | word;
  return (odd & EACH(0x80)) == 0;
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

/* After the opening quotation mark, up to and with the closing one. */
static bool string(text *t, uint64_t longest) {
  uint64_t odd = 0; /* bytes beyond one a character */
  const unsigned char *start = t->at;
  for (;;) {
    while (t->end - t->at >= 8 && are_plain(t->at)) t->at += 8;
    while (is_plain(*t->at)) t->at++;
    if (*t->at == '"') break;
    const unsigned char *before = t->at;
    if (character(&t->at, t->end) < (*before == '\\' ? 0 : 0x20)) return false;
    odd += (uint64_t)(t->at - before) - 1;
  }
  return (uint64_t)(t->at++ - start) - odd <= longest;
}

/* A name, whose opening quotation mark has been read, and that is the only one of its object. */
static bool name(text *t) {
  const unsigned char *start = t->at;
  if (!string(t, t->most->name)) return false;
  const unsigned char *end = t->at - 1;
  uint32_t object = t->open[t->depth - 1];
  size_t length = (size_t)(end - start);
  if (memchr(start, '\\', length) == NULL) return add_name(&t->names, object, start, length);
  if (length > MOST_ESCAPED) return false;
  unsigned char plain[MOST_ESCAPED]; /* no escape is shorter than what it stands for */
  size_t size = 0;
  while (start < end) {
    int32_t c = character(&start, end);
    if (c == 0) return false; /* it ends a name for some */
    size += write_utf8(plain + size, c);
  }
  return add_name(&t->names, object, plain, size);
}

/* Numbers */

static size_t digits(text *t) {
  const unsigned char *start = t->at;
  while (*t->at >= '0' && *t->at <= '9') t->at++;
  return (size_t)(t->at - start);
}

static bool is_small(const unsigned char *at, size_t length, uint64_t most) {
  if (length > MOST_DIGITS) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) value = value * 10 + (uint64_t)(at[i] - '0');
  return value <= most;
}

/* One that a double surely neither overflows nor makes 0: of 64 characters at most and an exponent of two digits. */
static bool number(text *t) {
  const unsigned char *start = t->at;
  take(t, '-');
  const unsigned char *first = t->at;
  size_t whole = digits(t);
  if (whole == 0 || (whole > 1 && *first == '0')) return false;
  bool integer = true;
  if (take(t, '.')) {
    integer = false;
    if (digits(t) == 0) return false;
  }
  if (take(t, 'e') || take(t, 'E')) {
    integer = false;
    if (!take(t, '-')) take(t, '+');
    size_t exponent = digits(t);
    if (exponent == 0 || exponent > 2) return false;
  }
  size_t length = (size_t)(t->at - start);
  if (length > t->most->number) return false;
  return integer ? is_small(first, whole, t->most->integer) : length <= MOST_FRACTION;
}

/* Values */

static bool literal(text *t, const char *word, size_t length) {
  if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0) return false;
  t->at += length;
  return true;
}

static bool open_container(text *t, uint32_t object) {
  if (t->depth >= t->most->depth || t->depth >= MOST_DEPTH) return false;
  t->open[t->depth++] = object;
  return true;
}

/* Up to a member's value. */
static bool member(text *t) {
  skip_space(t);
  if (++t->members > t->most->members || !take(t, '"') || !name(t)) return false;
  skip_space(t);
  return take(t, ':');
}

static bool item(text *t) { return ++t->items <= t->most->items; }

enum step { UNSOUND, VALUE_NEXT, VALUE_OVER };

static enum step value_next_if(bool true_) { return true_ ? VALUE_NEXT : UNSOUND; }
static enum step value_over_if(bool true_) { return true_ ? VALUE_OVER : UNSOUND; }

static enum step container(text *t, uint32_t object, unsigned char end) {
  t->at++;
  if (!open_container(t, object)) return UNSOUND;
  skip_space(t);
  if (take(t, end)) {
    t->depth--;
    return VALUE_OVER;
  }
  return value_next_if(object != 0 ? member(t) : item(t));
}

/* A scalar, or the beginning of a container up to its first value. */
static enum step value(text *t) {
  skip_space(t);
  switch (*t->at) {
    case '{': return t->objects == UINT32_MAX ? UNSOUND : container(t, ++t->objects, '}');
    case '[': return container(t, 0, ']');
    case '"': t->at++; return value_over_if(string(t, t->most->string));
    case 't': return value_over_if(literal(t, "true", 4));
    case 'f': return value_over_if(literal(t, "false", 5));
    case 'n': return value_over_if(literal(t, "null", 4));
    default: return value_over_if(number(t));
  }
}

/* What follows a value within the innermost container. */
static enum step after(text *t) {
  bool object = t->open[t->depth - 1] != 0;
  skip_space(t);
  if (take(t, ',')) return value_next_if(object ? member(t) : item(t));
  if (!take(t, object ? '}' : ']')) return UNSOUND;
  t->depth--;
  return VALUE_OVER;
}

static bool is_sound(const unsigned char *body, size_t length, const limits *most) {
  text t = {.at = body, .end = body + length, .most = most};
  enum step step = VALUE_NEXT;
  while (step == VALUE_NEXT || (step == VALUE_OVER && t.depth > 0)) step = step == VALUE_NEXT ? value(&t) : after(&t);
  forget_names(&t.names);
  if (step == UNSOUND) return false; /* and `at` may stand behind the NUL */
  skip_space(&t);
  return t.at == t.end;
}
