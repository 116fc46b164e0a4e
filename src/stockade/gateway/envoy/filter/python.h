#pragma once
#include <stdint.h>
#include <stddef.h>

/* What Python does; see bridge.py. A result of zero or less means that it failed: -1 by an exception, 0 because the
 * interpreter could not be started (cffi then answers so for every function). */
static int stockade_configure(const char *text, size_t length);
static int stockade_requests(const char *fields, const int64_t *rows, int *results, int count);
static int stockade_request_body(uint64_t number, const char *body, size_t length);
static int stockade_too_large(uint64_t number);
static int stockade_resume(uint64_t number);
static int stockade_response(uint64_t number, const char *fields, size_t length, int may_wait);
static int stockade_response_body(uint64_t number, const char *body, size_t length, int may_wait);
static int stockade_piece(uint64_t number, int kind, int begun, const char *data, size_t length, int ends);
static void stockade_completed(void);
enum { FORWARD = 1, ANSWERED = 2, SUSPENDED = 3 };
