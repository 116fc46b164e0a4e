/* Characters, as the strings of JSON write them: UTF-8 (RFC 3629) and escapes (RFC 8259, section 7).
 *
 * Each reads what begins at `*at` and leaves `*at` behind it; negative says that no character is there. A NUL stands at
 * `end`.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A well-formed sequence: not overlong, no surrogate, nothing beyond U+10FFFF. */
static int32_t utf8_character(const unsigned char **at, const unsigned char *end) {
  const unsigned char *s = *at;
  unsigned char first = *s;
  if (first < 0x80) {
    *at = s + 1;
    return first;
  }
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || end - s <= more) return -1;
  int32_t found = first & (0x3F >> more);
  for (int i = 1; i <= more; i++) {
    if ((s[i] & 0xC0) != 0x80) return -1;
    found = found << 6 | (s[i] & 0x3F);
  }
  static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
  if (found < least[more] || found > 0x10FFFF || (found >= 0xD800 && found <= 0xDFFF)) return -1;
  *at = s + more + 1;
  return found;
}

static int hex_digit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX. */
static int32_t code_unit(const unsigned char **at) {
  int32_t unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(**at);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
    ++*at;
  }
  return unit;
}

/* What an escape stands for; half a surrogate pair is no character. */
static int32_t escaped_character(const unsigned char **at) {
  unsigned char c = *++*at;
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *found = c != 0 ? strchr(from, c) : NULL;
  if (found != NULL) ++*at;
  if (found != NULL || c != 'u') return found != NULL ? to[found - from] : -1;
  ++*at;
  int32_t high = code_unit(at);
  if (high < 0xD800 || high > 0xDFFF) return high;
  if (high > 0xDBFF || (*at)[0] != '\\' || (*at)[1] != 'u') return -1;
  *at += 2;
  int32_t low = code_unit(at);
  return low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00) : -1;
}

/* U+FDD0 to U+FDEF, and the last two of each plane (Unicode, section 23.7). */
static bool is_noncharacter(int32_t c) { return (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE; }

/* Any but noncharacters. */
static int32_t character(const unsigned char **at, const unsigned char *end) {
  int32_t found = **at == '\\' ? escaped_character(at) : utf8_character(at, end);
  return is_noncharacter(found) ? -1 : found;
}

/* Writes a character; says how many bytes it took, four at most. */
static size_t write_utf8(unsigned char *out, int32_t c) {
  if (c < 0x80) {
    out[0] = (unsigned char)c;
    return 1;
  }
  size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
  for (size_t i = more; i > 0; i--, c >>= 6) out[i] = (unsigned char)(0x80 | (c & 0x3F));
  out[0] = (unsigned char)(lead[more] | c);
  return more + 1;
}
