"""Where in a message each collection stands, and when: before which phase it holds what it will hold."""

from __future__ import annotations

# Where each collection is looked through. What stands here together is scanned together.
LINE = (
    "REQUEST_URI",
    "REQUEST_URI_RAW",
    "REQUEST_FILENAME",
    "REQUEST_BASENAME",
    "REQUEST_LINE",
    "QUERY_STRING",
    "PATH_INFO",
)
COOKIES = ("REQUEST_COOKIES", "REQUEST_COOKIES_NAMES")
ARGS = ("ARGS", "ARGS_NAMES", "ARGS_GET", "ARGS_GET_NAMES", "ARGS_POST", "ARGS_POST_NAMES")
FILES = ("FILES", "FILES_NAMES", "MULTIPART_FILENAME", "MULTIPART_NAME")
PARTS = ("MULTIPART_PART_HEADERS", "FILES_TMP_CONTENT")
BODY = ("REQUEST_BODY",)
HEADERS = ("REQUEST_HEADERS",)
HEADER_NAMES = ("REQUEST_HEADERS_NAMES",)
RESPONSE_HEADERS = ("RESPONSE_HEADERS", "RESPONSE_HEADERS_NAMES")
RESPONSE_BODY = ("RESPONSE_BODY",)
PAYLOAD = (*COOKIES, *ARGS, *FILES, *PARTS, "XML")
GROUPS: dict[str, str] = {
    **{name: name for name in LINE},
    **{name: "names" if name.endswith("_NAMES") else "values" for name in (*COOKIES, *ARGS, "XML")},
    **dict.fromkeys(FILES, "files"),
    **dict.fromkeys(BODY, "body"),
    **dict.fromkeys(HEADERS, "headers"),
    **dict.fromkeys(HEADER_NAMES, "header names"),
    **dict.fromkeys(RESPONSE_HEADERS, "response headers"),
    **dict.fromkeys(RESPONSE_BODY, "response body"),
}
# Those with one value, which an operator that cannot be scanned for looks at itself. The first cannot change once the
# head of the request is there, the second are there with its body, the third with the response.
AT_HEAD = frozenset(
    {
        *LINE,
        "REQUEST_METHOD",
        "REQUEST_PROTOCOL",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "SERVER_NAME",
        "SERVER_ADDR",
        "AUTH_TYPE",
    }
)
AT_BODY = frozenset(
    {
        "REQBODY_PROCESSOR", "REQBODY_ERROR", "REQBODY_ERROR_MSG", "REQBODY_PROCESSOR_ERROR", "REQUEST_BODY_LENGTH",
        "ARGS_COMBINED_SIZE", "FILES_COMBINED_SIZE", "MULTIPART_STRICT_ERROR", "MULTIPART_UNMATCHED_BOUNDARY",
        "INBOUND_DATA_ERROR", "REQUEST_BODY", "URLENCODED_ERROR", "MULTIPART_CRLF_LF_LINES", "FULL_REQUEST_LENGTH",
    }
)  # fmt: skip
AT_RESPONSE = frozenset({"RESPONSE_STATUS", "RESPONSE_CONTENT_TYPE", "RESPONSE_CONTENT_LENGTH", "RESPONSE_BODY"})
# What is known, before a phase, to hold in it what it holds; what rules write to is not.
LASTING = frozenset({*AT_HEAD, *COOKIES, *HEADERS, *HEADER_NAMES, "ARGS_GET", "ARGS_GET_NAMES"})
OF_REQUEST = frozenset({*LASTING, *PAYLOAD, *BODY, *AT_BODY})
THERE = {
    1: frozenset({*LASTING, *ARGS}),
    2: OF_REQUEST,
    3: frozenset({*OF_REQUEST, *RESPONSE_HEADERS, *AT_RESPONSE}) - {"RESPONSE_BODY"},
    4: frozenset({*OF_REQUEST, *RESPONSE_HEADERS, *AT_RESPONSE}),
    5: LASTING,  # the rest may not have come: an earlier phase refused the request, or nobody looks at responses
}
MOMENTS = {
    **dict.fromkeys((*HEADERS, *HEADER_NAMES), "headers"),
    **dict.fromkeys((*FILES, *PARTS), "parts"),
    **dict.fromkeys((*RESPONSE_HEADERS, *AT_RESPONSE), "response"),
}
