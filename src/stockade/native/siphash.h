/* SipHash-1-3 (Aumasson and Bernstein, 2012), as in the tables of CPython and Rust: who does not know the key cannot
 * aim two names at one place. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct { uint64_t v0, v1, v2, v3; } sip;

static inline uint64_t turned(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static inline void sip_round(sip *s) {
  s->v0 += s->v1; s->v1 = turned(s->v1, 13) ^ s->v0; s->v0 = turned(s->v0, 32);
  s->v2 += s->v3; s->v3 = turned(s->v3, 16) ^ s->v2;
  s->v0 += s->v3; s->v3 = turned(s->v3, 21) ^ s->v0;
  s->v2 += s->v1; s->v1 = turned(s->v1, 17) ^ s->v2; s->v2 = turned(s->v2, 32);
}

static inline void sip_word(sip *s, uint64_t word) {
  s->v3 ^= word;
  sip_round(s);
  s->v0 ^= word;
}

/* Words are read in the machine's own order: all who share a table run on one machine. */
static uint64_t siphash(const uint64_t key[2], const char *text, size_t length) {
  sip s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
           key[1] ^ 0x7465646279746573};
  uint64_t word;
  size_t at = 0;
  for (; length - at >= sizeof word; at += sizeof word) {
    memcpy(&word, text + at, sizeof word);
    sip_word(&s, word);
  }
  word = 0;
  memcpy(&word, text + at, length - at);
  sip_word(&s, word ^ (uint64_t)length << 56);
  s.v2 ^= 0xff;
  for (int i = 0; i < 3; i++) sip_round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
