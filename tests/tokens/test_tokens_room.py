"""The room as a whole: its door, its price, its purity."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import stockade.tokens

ROOM = Path(stockade.tokens.__file__).parent
MAY_IMPORT = {"msgspec", "nacl", "joserfc", "cryptography", "stockade"}
IMPURE = {"time", "os", "socket", "asyncio", "secrets", "random", "datetime", "threading", "logging"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_everything_exported_exists_and_is_sorted() -> None:
    assert all(hasattr(stockade.tokens, name) for name in stockade.tokens.__all__)
    assert len(set(stockade.tokens.__all__)) == len(stockade.tokens.__all__)


def test_imports_are_pure_and_from_below() -> None:
    files = sorted(ROOM.glob("*.py"))
    assert len(files) >= 7
    for path in files:
        for name in imports(path):
            top = name.partition(".")[0]
            assert top in MAY_IMPORT or (top in sys.stdlib_module_names and top not in IMPURE), (path.name, name)
            assert top != "stockade" or name.startswith("stockade.tokens"), (path.name, name)


def test_cryptography_is_imported_with_the_first_key() -> None:
    """So that `stockade --help` starts at once."""
    script = (
        "import sys, stockade.tokens as tokens\n"
        "heavy = lambda: {'joserfc', 'cryptography'} & sys.modules.keys()\n"
        "assert not heavy(), heavy()\n"
        "tokens.parse_api_key('x'); tokens.JwtRules(frozenset(('RS256',))); tokens.VerificationKeys()\n"
        "assert not heavy(), heavy()\n"
        "tokens.keys_from_secret(b's' * 32)\n"
        "assert heavy() == {'joserfc', 'cryptography'}\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": str(ROOM.parent.parent)})
