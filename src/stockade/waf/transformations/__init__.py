"""The transformations of SecLang: what `t:` does to a value before an operator looks at it. One file each.

They behave as ModSecurity v3.0.15 does, to the byte; where that surprises, the manual of the file says so. Each is a
pure function of bytes that takes time linear in the value, whatever it holds.
"""

from __future__ import annotations

from functools import lru_cache

from stockade.waf.transformations import (
    base64_decode,
    base64_decode_ext,
    base64_encode,
    cmd_line,
    compress_whitespace,
    css_decode,
    escape_seq_decode,
    hex_decode,
    hex_encode,
    html_entity_decode,
    js_decode,
    length,
    lowercase,
    md5,
    normalise_path,
    normalise_path_win,
    parity,
    remove_comments,
    remove_comments_char,
    remove_nulls,
    remove_whitespace,
    replace_comments,
    replace_nulls,
    sha1,
    sql_hex_decode,
    trim,
    uppercase,
    url_decode,
    url_decode_uni,
    url_encode,
    utf8_to_unicode,
)
from stockade.waf.transformations.base import Transformation

__all__ = ["TRANSFORMATIONS", "Transformation", "untouched_by"]

_ALL = (
    Transformation("base64Decode", base64_decode.base64_decode, base64_decode.TOUCHES),
    Transformation("base64DecodeExt", base64_decode_ext.base64_decode_ext, base64_decode_ext.TOUCHES),
    Transformation("base64Encode", base64_encode.base64_encode, base64_encode.TOUCHES),
    Transformation("cmdLine", cmd_line.cmd_line, cmd_line.TOUCHES),
    Transformation("compressWhitespace", compress_whitespace.compress_whitespace, compress_whitespace.TOUCHES),
    Transformation("cssDecode", css_decode.css_decode, css_decode.TOUCHES),
    Transformation("escapeSeqDecode", escape_seq_decode.escape_seq_decode, escape_seq_decode.TOUCHES),
    Transformation("hexDecode", hex_decode.hex_decode, hex_decode.TOUCHES),
    Transformation("hexEncode", hex_encode.hex_encode, hex_encode.TOUCHES),
    Transformation("htmlEntityDecode", html_entity_decode.html_entity_decode, html_entity_decode.TOUCHES),
    Transformation("jsDecode", js_decode.js_decode, js_decode.TOUCHES),
    Transformation("length", length.length, length.TOUCHES),
    Transformation("lowercase", lowercase.lowercase, lowercase.TOUCHES),
    Transformation("md5", md5.md5, md5.TOUCHES),
    Transformation("normalisePath", normalise_path.normalise_path, normalise_path.TOUCHES),
    Transformation("normalisePathWin", normalise_path_win.normalise_path_win, normalise_path_win.TOUCHES),
    Transformation("parityEven7bit", parity.parity_even_7bit, parity.EVEN_TOUCHES),
    Transformation("parityOdd7bit", parity.parity_odd_7bit, parity.ODD_TOUCHES),
    Transformation("parityZero7bit", parity.parity_zero_7bit, parity.ZERO_TOUCHES),
    Transformation("removeComments", remove_comments.remove_comments, remove_comments.TOUCHES),
    Transformation("removeCommentsChar", remove_comments_char.remove_comments_char, remove_comments_char.TOUCHES),
    Transformation("removeNulls", remove_nulls.remove_nulls, remove_nulls.TOUCHES),
    Transformation("removeWhitespace", remove_whitespace.remove_whitespace, remove_whitespace.TOUCHES),
    Transformation("replaceComments", replace_comments.replace_comments, replace_comments.TOUCHES),
    Transformation("replaceNulls", replace_nulls.replace_nulls, replace_nulls.TOUCHES),
    Transformation("sha1", sha1.sha1, sha1.TOUCHES),
    Transformation("sqlHexDecode", sql_hex_decode.sql_hex_decode, sql_hex_decode.TOUCHES),
    Transformation("trim", trim.trim, trim.TOUCHES),
    Transformation("trimLeft", trim.trim_left, trim.TOUCHES),
    Transformation("trimRight", trim.trim_right, trim.TOUCHES),
    Transformation("uppercase", uppercase.uppercase, uppercase.TOUCHES),
    Transformation("urlDecode", url_decode.url_decode, url_decode.TOUCHES),
    Transformation("urlDecodeUni", url_decode_uni.url_decode_uni, url_decode_uni.TOUCHES),
    Transformation("urlEncode", url_encode.url_encode, url_encode.TOUCHES),
    Transformation("utf8toUnicode", utf8_to_unicode.utf8_to_unicode, utf8_to_unicode.TOUCHES),
)

TRANSFORMATIONS: dict[str, Transformation] = {transformation.name.lower(): transformation for transformation in _ALL}
"""Every transformation but `none`, which is the engine's, by its name in lower case."""

TRANSFORMATIONS["normalizepath"] = TRANSFORMATIONS["normalisepath"]
TRANSFORMATIONS["normalizepathwin"] = TRANSFORMATIONS["normalisepathwin"]


@lru_cache
def untouched_by(names: tuple[str, ...]) -> bytes | None:
    """The bytes that none of the transformations touches; None where one of them may change any value."""
    touches = [TRANSFORMATIONS[name].touches for name in names]
    known = [touch for touch in touches if touch is not None]
    if len(known) < len(touches):
        return None
    return bytes(sorted(frozenset(range(256)).difference(*known)))
