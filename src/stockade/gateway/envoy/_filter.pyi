"""The compiled filter module, as Python sees it (see build_filter.py)."""

from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

class _Ffi:
    def def_extern(
        self, *, error: int = ..., onerror: Callable[[Any, Any, Any], int | None] = ...
    ) -> Callable[[_F], _F]: ...
    def new(self, kind: str, init: Any = ...) -> Any: ...
    def unpack(self, pointer: Any, length: int) -> bytes: ...

class _Lib:
    MOST_COMPLETIONS: int
    def __getattr__(self, name: str) -> Callable[..., Any]: ...

ffi: _Ffi
lib: _Lib
