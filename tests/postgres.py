"""A PostgreSQL server for tests: on loopback, with TLS under an authority of its own, gone when the tests are."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stockade.stores import DatabasePlace, DatabaseTls
from tests.absent import present
from tests.gateway.certificates import Authority
from tests.gateway.harness import free_port

PASSWORD = "of-the-tests-alone"
_ACCESS = """\
local all all trust
hostssl all stockade all scram-sha-256
host all plain 127.0.0.1/32 trust
"""
_SETTINGS = {
    "ssl": "on",
    "ssl_cert_file": "'server.pem'",
    "ssl_key_file": "'server.key.pem'",
    "listen_addresses": "'127.0.0.1'",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}


class Postgres:
    """`place()` is a new, empty database in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.authority = Authority(folder, "Database Authority")
        self.stranger = Authority(folder, "Strange Authority")
        self._data = folder / "data"
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None
        for path in (folder, *folder.iterdir()):
            self._give(path)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        self._give(secret)
        self._run("initdb", "-D", self._data, "-U", "stockade", "--pwfile", secret, "--no-sync", "-A", "trust")
        for name, file in self.authority.issue("server")._asdict().items():
            target = self._data / ("server.pem" if name == "certificate" else "server.key.pem")
            shutil.copy(file, target)
            target.chmod(0o600)
            self._give(target)
        (self._data / "pg_hba.conf").write_text(_ACCESS)
        with (self._data / "postgresql.conf").open("a") as settings:
            sockets = {"port": str(self.port), "unix_socket_directories": f"'{folder}'"}
            settings.writelines(f"{name} = {value}\n" for name, value in (_SETTINGS | sockets).items())

    def start(self) -> None:
        command = [_program("postgres"), "-D", str(self._data)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=_user(), group=_group(), stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(300):
            if self._psql("SELECT 1", check=False) == 0:
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """At once, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections, as the kernel does that for it, and never says a word."""
        assert self._process is not None
        family = [self._process.pid, *_children(self._process.pid)]
        for process in family:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in family:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def place(self, folder: Path, name: str = "") -> DatabasePlace:
        """folder: of the machine's revision file: another folder is another machine."""
        if not name:
            self._made += 1
            name = f"test_{self._made}"
            self.sql(f"CREATE DATABASE {name}")
        return DatabasePlace(folder / "stockade.db", self.url(name), DatabaseTls(ca=self.authority.ca))

    def url(self, name: str = "postgres", user: str = "stockade") -> str:
        return f"postgresql+psycopg://{user}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> None:
        self._psql(statement, database)

    def _psql(self, statement: str, database: str = "postgres", check: bool = True) -> int:
        command = [_program("psql"), "-qXh", str(self.folder), "-p", str(self.port), "-U", "stockade", "-c", statement]
        done = subprocess.run([*command, database], check=False, capture_output=True, timeout=30)
        assert done.returncode == 0 or not check, done.stderr.decode()
        return done.returncode

    def _run(self, name: str, *arguments: object) -> None:
        subprocess.run(
            [_program(name), *map(str, arguments)],
            check=True,
            capture_output=True,
            user=_user(),
            group=_group(),
            cwd=self.folder,
            timeout=120,
        )

    def _give(self, path: Path) -> None:
        if _user() is not None:
            os.chown(path, _user() or 0, _group() or 0)


def _user() -> int | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _group() -> int | None:
    return pwd.getpwnam("nobody").pw_gid if os.geteuid() == 0 else None


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _program(name: str) -> str:
    """Debian keeps the server's programs out of the path."""
    found = shutil.which(name)
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = Path(found) if found else kept[-1] if kept else Path("/usr/lib/postgresql")
    return str(present(path, "PostgreSQL, for the tests of its store: apt-get install postgresql"))


@contextmanager
def running() -> Iterator[Postgres]:
    _program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="stockade-postgres-"))
    server: Postgres | None = None
    try:
        server = Postgres(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)
