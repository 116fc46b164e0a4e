"""Internal hosts and addresses: private IPv4 (RFC 1918), loopback and link-local (the metadata address of clouds
among them), unique local IPv6 (RFC 4193), and names under domains that are no public ones (RFC 6762, RFC 8375,
ICANN's `.internal`, Kubernetes' `svc.cluster.local`, and `.corp`, `.lan`, `.intranet`). A version with four numbers
looks like an address: after `v` or the word version it is none.
"""

from __future__ import annotations

from stockade.detectors.detector import ALNUM, Detector, Span, Trigger, Window, pattern

_ADDRESS = pattern(
    rb"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:/\d{1,2}|:\d{2,5})?"
)
_VERSION = pattern(rb"(?i)(?:\bv|version|release|firmware|build)[\\\"' :=_-]{0,6}$")
_IPV6 = pattern(rb"(?i)f[cd][0-9a-f]{2}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}")
_LABELS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."
_PORT = pattern(rb":\d{2,5}")
_NEXT = frozenset(b".(=-_") | ALNUM
_MOST_NAME = 128


def _confirm_address(window: Window) -> Span | None:
    data, low, at, stop = window
    left = max(low, at - 13)
    run = data[left:at]
    start = at - (len(run) - len(run.rstrip(b"0123456789.")))
    found = _ADDRESS.match(data, start, stop)
    if found is None:
        return None
    end = found.end()
    if end < stop and (data[end] in ALNUM or (data[end] in b".-" and data[end + 1 : end + 2].isalnum())):
        return None
    if _VERSION.search(data[max(low, start - 24) : start]) is not None:
        return None
    return start, end


def _confirm_ipv6(window: Window) -> Span | None:
    start = window.at - 6
    found = _IPV6.match(window.data, start, window.stop)
    if found is None or found[0].count(b":") < 3 or window.data[found.end() : found.end() + 1].isalnum():
        return None
    return start, found.end()


def _confirm_name(window: Window) -> Span | None:
    data, low, at, stop = window
    if at < stop and data[at] in _NEXT and not _ends_sentence(data[at : at + 2]):
        return None
    if data[at : at + 3].lstrip(b" ")[:1] == b"=":
        return None
    left = max(low, at - _MOST_NAME)
    before = data[left:at]
    start = at - (len(before) - len(before.rstrip(_LABELS)))
    if start > low and data[start - 1] == 0x5C:  # an escape's letter is no part of the name
        start += 1
    name = data[start:at].lstrip(b".-")
    start = at - len(name)
    if b".." in name or name.count(b".") < 1 or (start > low and data[start - 1] in b"_$/"[:2]):
        return None
    port = _PORT.match(data, at, stop)
    return start, port.end() if port is not None else at


def _ends_sentence(after: bytes) -> bool:
    return after[:1] == b"." and not after[1:].isalnum()


HOSTS = Detector(
    "hosts",
    (
        Trigger(
            rb"(?:^|[^0-9A-Za-z.-]|\\[nrt])(?:10\.\d{1,3}|127\.\d{1,3}|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d",
            _confirm_address,
            after=24,
        ),
        Trigger(rb"(?:^|[^0-9A-Za-z:.]|\\[nrt])f[cd][0-9a-f]{2}:[0-9a-f:]", _confirm_ipv6, after=48, caseless=True),
        Trigger(
            rb"[a-z0-9-]\.(?:internal|local|localdomain|corp|lan|intranet|home\.arpa)",
            _confirm_name,
            after=32,
            caseless=True,
        ),
    ),
    "medium",
    "report",
    "internal addresses and host names",
)
