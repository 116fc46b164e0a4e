"""The names that rules may use: variables, operators, transformations. Names alone; what they do is `waf`'s.

Taken from the reference manual of ModSecurity v3 and its scanner (src/parser/seclang-scanner.ll). What only
ModSecurity 2 had is here too, with the reason why it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> list[str]:
    return text.split()


PLAIN = frozenset(
    _words(
        """
        ARGS_COMBINED_SIZE AUTH_TYPE DURATION FILES_COMBINED_SIZE FULL_REQUEST FULL_REQUEST_LENGTH HIGHEST_SEVERITY
        INBOUND_DATA_ERROR MATCHED_VAR MATCHED_VAR_NAME MODSEC_BUILD MSC_PCRE_ERROR MSC_PCRE_LIMITS_EXCEEDED
        MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_CRLF_LF_LINES MULTIPART_DATA_AFTER
        MULTIPART_DATA_BEFORE MULTIPART_FILE_LIMIT_EXCEEDED MULTIPART_HEADER_FOLDING
        MULTIPART_INVALID_HEADER_FOLDING MULTIPART_INVALID_PART MULTIPART_INVALID_QUOTING MULTIPART_LF_LINE
        MULTIPART_MISSING_SEMICOLON MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY OUTBOUND_DATA_ERROR
        PATH_INFO QUERY_STRING REMOTE_ADDR REMOTE_HOST REMOTE_PORT REMOTE_USER REQBODY_ERROR REQBODY_ERROR_MSG
        REQBODY_PROCESSOR REQBODY_PROCESSOR_ERROR REQBODY_PROCESSOR_ERROR_MSG REQUEST_BASENAME REQUEST_BODY
        REQUEST_BODY_LENGTH REQUEST_FILENAME REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL REQUEST_URI
        REQUEST_URI_RAW RESPONSE_BODY RESPONSE_CONTENT_LENGTH RESPONSE_CONTENT_TYPE RESPONSE_PROTOCOL
        RESPONSE_STATUS SERVER_ADDR SERVER_NAME SERVER_PORT SESSIONID STATUS STATUS_LINE TIME TIME_DAY TIME_EPOCH
        TIME_HOUR TIME_MIN TIME_MON TIME_SEC TIME_WDAY TIME_YEAR UNIQUE_ID URLENCODED_ERROR USERID WEBAPPID
        """
    )
)
"""Variables that hold one value and take no key."""

COLLECTIONS = frozenset(
    _words(
        """
        ARGS ARGS_GET ARGS_GET_NAMES ARGS_NAMES ARGS_POST ARGS_POST_NAMES ENV FILES FILES_NAMES FILES_SIZES
        FILES_TMPNAMES FILES_TMP_CONTENT GEO GLOBAL IP MATCHED_VARS MATCHED_VARS_NAMES MULTIPART_FILENAME
        MULTIPART_NAME MULTIPART_PART_HEADERS REQUEST_COOKIES REQUEST_COOKIES_NAMES REQUEST_HEADERS
        REQUEST_HEADERS_NAMES RESOURCE RESPONSE_HEADERS RESPONSE_HEADERS_NAMES RULE SESSION TX USER XML
        """
    )
)
"""Variables that hold pairs, and may be narrowed by a key."""

PERSISTENT = frozenset({"GLOBAL", "IP", "RESOURCE", "SESSION", "USER"})
"""Collections that outlive the request."""

_ONLY_2 = "a variable of ModSecurity 2 that version 3 dropped"

REFUSED_VARIABLES: Mapping[str, str] = {
    **dict.fromkeys(
        _words(
            """
            PERF_ALL PERF_COMBINED PERF_GC PERF_LOGGING PERF_PHASE1 PERF_PHASE2 PERF_PHASE3 PERF_PHASE4 PERF_PHASE5
            PERF_RULES PERF_SREAD PERF_SWRITE SCRIPT_BASENAME SCRIPT_FILENAME SCRIPT_GID SCRIPT_GROUPNAME SCRIPT_MODE
            SCRIPT_UID SCRIPT_USERNAME SDBM_DELETE_ERROR STREAM_INPUT_BODY STREAM_OUTPUT_BODY USERAGENT_IP
            """
        ),
        _ONLY_2,
    ),
    "WEBSERVER_ERROR_LOG": "the error log of a web server, which ModSecurity 3 does not support either",
}

VARIABLE_ALIASES: Mapping[str, str] = {"MULTIPART_SEMICOLON_MISSING": "MULTIPART_MISSING_SEMICOLON"}

VARIABLES = tuple(sorted(PLAIN | COLLECTIONS))
"""Every variable that is understood, by its canonical name."""

_OPERATORS = _words(
    """
    beginsWith contains containsWord detectSQLi detectXSS endsWith eq fuzzyHash ge geoLookup gsbLookup gt
    inspectFile ipMatch ipMatchFromFile le lt noMatch pm pmFromFile rbl rsub rx rxGlobal strmatch streq
    unconditionalMatch validateByteRange validateDTD validateHash validateSchema validateUrlEncoding
    validateUtf8Encoding verifyCC verifyCPF verifySSN verifySVNR within
    """
)
_OPERATOR_ALIASES = {"ipMatchF": "ipMatchFromFile", "pmf": "pmFromFile"}

OPERATORS: Mapping[str, str] = {
    **{name.lower(): name.lower() for name in _OPERATORS},
    **{alias.lower(): name.lower() for alias, name in _OPERATOR_ALIASES.items()},
}
"""From every operator's name in lower case, and every alias, to the canonical one."""

OPERATOR_NAMES = tuple(_OPERATORS) + tuple(_OPERATOR_ALIASES)
"""As people write them, for hints."""

WITHOUT_ARGUMENT = frozenset(
    {
        "detectsqli",
        "detectxss",
        "geolookup",
        "nomatch",
        "unconditionalmatch",
        "validateurlencoding",
        "validateutf8encoding",
    }
)
"""Operators that take no argument; what is written after them is not looked at."""

REFUSED_OPERATORS: Mapping[str, str] = {
    "gsblookup": "Google Safe Browsing ended the service that it asked",
    "rsub": "Stockade does not rewrite what passes through it",
    "validatehash": "link signing (SecHashEngine) is not a part of ModSecurity 3",
}

_TRANSFORMATIONS = _words(
    """
    base64Decode base64DecodeExt base64Encode cmdLine compressWhitespace cssDecode escapeSeqDecode hexDecode
    hexEncode htmlEntityDecode jsDecode length lowercase md5 none normalisePath normalisePathWin parityEven7bit
    parityOdd7bit parityZero7bit removeComments removeCommentsChar removeNulls removeWhitespace replaceComments
    replaceNulls sha1 sqlHexDecode trim trimLeft trimRight uppercase urlDecode urlDecodeUni urlEncode
    utf8toUnicode
    """
)
_TRANSFORMATION_ALIASES = {"normalizePath": "normalisePath", "normalizePathWin": "normalisePathWin"}

TRANSFORMATIONS: Mapping[str, str] = {
    **{name.lower(): name.lower() for name in _TRANSFORMATIONS},
    **{alias.lower(): name.lower() for alias, name in _TRANSFORMATION_ALIASES.items()},
}
"""From every transformation's name in lower case, and every alias, to the canonical one. "none" is among them."""

TRANSFORMATION_NAMES = tuple(_TRANSFORMATIONS) + tuple(_TRANSFORMATION_ALIASES)
"""As people write them, for hints."""
