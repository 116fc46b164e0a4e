"""Builds the filter module: `filter.c` and an embedded Python interpreter, in one shared object for Envoy to load.

Run by setuptools (see setup.py). The module does not link libpython; the supervisor preloads it.
"""

from pathlib import Path

from cffi import FFI

ffi = FFI()
ffi.cdef(
    """
    static void stockade_forward(uint64_t id, uint32_t flags, uint64_t max_body, const char *sets, size_t sets_length,
                                 const char *removes, size_t removes_length);
    static void stockade_edit_response(uint64_t id, const char *sets, size_t sets_length, const char *removes,
                                       size_t removes_length);
    static void stockade_answer(uint64_t id, const char *fields, size_t length, const char *body, size_t body_length);
    static int stockade_replace_body(uint64_t id, const char *body, size_t length);
    static void *stockade_scheduler(uint64_t id);
    static void stockade_wake(void *scheduler);

    extern "Python" int stockade_configure(const char *text, size_t length);
    extern "Python" int stockade_request(uint64_t id, const char *fields, size_t length, int ends);
    extern "Python" int stockade_request_body(uint64_t id, const char *body, size_t length);
    extern "Python" int stockade_too_large(uint64_t id);
    extern "Python" int stockade_resume(uint64_t id);
    extern "Python" int stockade_response(uint64_t id, const char *fields, size_t length, int ends);
    extern "Python" int stockade_response_body(uint64_t id, const char *body, size_t length);
    extern "Python" void stockade_complete(uint64_t id, uint32_t status, int64_t duration_ns, int64_t upstream_ns);
    """
)
ffi.embedding_api("")
ffi.embedding_init_code("import stockade.gateway.envoy.bridge")
ffi.set_source(
    "stockade.gateway.envoy._filter",
    Path(__file__).with_name("filter.c").read_text(),
    extra_compile_args=["-O2", "-Wall", "-Wno-unused-function"],
)
