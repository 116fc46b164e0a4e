"""Builds the filter module: `filter/` and an embedded Python interpreter, in one shared object for Envoy to load.

Run by setuptools (see setup.py). The module does not link libpython; the supervisor preloads it.
"""

from pathlib import Path

from cffi import FFI

_SOURCES = Path(__file__).resolve().with_name("filter")

ffi = FFI()
ffi.cdef(
    """
    typedef struct { uint64_t number; int64_t duration_ns, upstream_ns; uint32_t status; } completion;
    enum { MOST_COMPLETIONS, ... };

    static int32_t stockade_add_shortcut(int below, const char *sets, size_t sets_length, const char *removes,
                                         size_t removes_length, const char *absent, size_t absent_length,
                                         const char *not_media, size_t not_media_length);
    static void stockade_forward(uint64_t number, uint32_t flags, int32_t way, uint64_t max_body, const char *sets,
                                 size_t sets_length, const char *removes, size_t removes_length);
    static void stockade_edit_response(uint64_t number, const char *sets, size_t sets_length, const char *removes,
                                       size_t removes_length);
    static void stockade_edit_request(uint64_t number, const char *sets, size_t sets_length, const char *removes,
                                      size_t removes_length);
    static void stockade_replace_request_body(uint64_t number, const char *body, size_t length);
    static void stockade_answer(uint64_t number, const char *fields, size_t length, const char *body,
                                size_t body_length);
    static int stockade_replace_body(uint64_t number, const char *body, size_t length);
    static void stockade_put(uint64_t number, int kind, const char *data, size_t length);
    static void stockade_watch_response(uint64_t number, int holds);
    static void stockade_release(uint64_t number);
    static void stockade_let_response_go(uint64_t number);
    static int stockade_end(uint64_t number, const char *ending, size_t length, int with_trailers);
    static int stockade_take_completions(completion *out);
    static void *stockade_scheduler(uint64_t number);
    static void stockade_wake(void *scheduler);

    extern "Python" int stockade_configure(const char *text, size_t length);
    extern "Python" int stockade_requests(const char *fields, const int64_t *rows, int *results, int count);
    extern "Python" int stockade_request_body(uint64_t number, const char *body, size_t length);
    extern "Python" int stockade_too_large(uint64_t number);
    extern "Python" int stockade_resume(uint64_t number);
    extern "Python" int stockade_response(uint64_t number, const char *fields, size_t length, int may_wait);
    extern "Python" int stockade_response_body(uint64_t number, const char *body, size_t length, int may_wait);
    extern "Python" int stockade_piece(uint64_t number, int kind, int begun, const char *data, size_t length, int ends);
    extern "Python" void stockade_completed(void);
    """
)
ffi.embedding_api("")
ffi.embedding_init_code("import stockade.gateway.envoy.bridge")
ffi.set_source(
    "stockade.gateway.envoy._filter",
    '#include "hooks.c"',
    include_dirs=[str(_SOURCES)],
    depends=[str(source) for source in sorted(_SOURCES.iterdir())],
    extra_compile_args=["-O2", "-Wall", "-Wno-unused-function"],
)
