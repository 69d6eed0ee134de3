"""Gives up rights, and becomes another program. Run as a file, by itself: it may import the standard library only.

    python -I -S confined.py '{"directory": …, "read": […], "file_bytes": …}' program argument…

The program may read what is listed and the system's libraries, may write in `directory` alone (its working and
temporary directory), and has none of our environment, no capabilities, no way to new ones, and bounds on what it may
open and write. A line of JSON on standard output says what was in force before it started: `Confinement`.
"""

import ctypes
import json
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOLD = "sluiceway-confined "  # before the line of JSON
OTHER_USER = "nobody"
OPEN_FILES = 4096

# What a Java runtime reads of a system. Names that do not exist are passed over.
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store")
_READABLE = (
    *(f"/etc/{name}" for name in ("hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "services")),
    *(f"/etc/{name}" for name in ("localtime", "timezone", "ld.so.cache", "ssl", "pki", "ca-certificates")),
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    *(f"/proc/{name}" for name in ("self", "cgroups", "cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys")),
    *("/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

# Numbers of <linux/landlock.h>, <linux/prctl.h> and <linux/capability.h>.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_MAKES = sum(1 << bit for bit in (4, 5, 7, 8, 13))  # remove and make directories and plain files, move them about
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}  # by version
_SCOPES = 3  # abstract sockets of others, and signals to others
_NO_NEW_PRIVILEGES = 38
_CAPABILITIES_3 = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc: Any = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Become the program. Raises `OSError` where it cannot be started."""
    plan, program = json.loads(arguments[0]), arguments[1:]
    directory, read = Path(plan["directory"]), [Path(path) for path in plan["read"]]
    _bound(plan["file_bytes"])
    os.chdir(directory)
    user, version = "", 0
    if sys.platform == "linux":
        user = _change_user(directory, read)
        _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        version = _landlock(directory, read)
    sys.stdout.write(TOLD + json.dumps({"user": user, "landlock": version}) + "\n")
    sys.stdout.flush()
    os.execve(program[0], program, _environment(directory))  # noqa: S606 - that is what it is for


def _environment(directory: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {**kept, "HOME": str(directory), "TMPDIR": str(directory)}


def _bound(file_bytes: int) -> None:
    """Nothing about memory: Java reserves far more addresses than it uses, and bounds what it uses by its own flags.

    Nor about the number of processes, which counts all those of a user.
    """
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, file_bytes),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))


# Another user ---------------------------------------------------------------------------------------------------------


def _change_user(directory: Path, read: Iterable[Path]) -> str:
    """Become nobody where we are root and nobody can reach what is needed; else give up root's capabilities."""
    if os.geteuid() != 0:
        return ""
    import pwd

    try:
        nobody = pwd.getpwnam(OTHER_USER)
    except KeyError:
        nobody = None
    try:
        if nobody and _reaches(nobody.pw_uid, nobody.pw_gid, directory, read):
            _become(nobody.pw_uid, nobody.pw_gid, directory)
            return OTHER_USER
    except PermissionError:
        pass  # root in a container may lack the right to become somebody else
    _drop_capabilities()
    return ""


def _become(uid: int, gid: int, directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _reaches(uid: int, gid: int, directory: Path, read: Iterable[Path]) -> bool:
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        within = os.access(directory.parent, os.X_OK, effective_ids=True)
        return within and all(os.access(path, os.R_OK, effective_ids=True) for path in read)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _drop_capabilities() -> None:
    """Root without them is a user like others; `no_new_privs` keeps it so. Left as it is on unknown machines."""
    if (number := _CAPSET.get(platform.machine())) is not None:
        header = struct.pack("=Ii", _CAPABILITIES_3, 0)
        _libc.syscall(number, header, bytes(24))


# Landlock -------------------------------------------------------------------------------------------------------------


def _landlock(directory: Path, read: Iterable[Path]) -> int:
    """Confine ourselves, and whatever we become. Returns the version of Landlock in force, 0 where there is none."""
    version = _libc.syscall(_CREATE, None, 0, 1)
    if version < 1:
        return 0
    rights = _RIGHTS[min(version, max(_RIGHTS))]
    scopes = _SCOPES if version >= 6 else 0
    attributes = struct.pack("=QQQ", rights, 0, scopes)
    ruleset = _checked(_libc.syscall(_CREATE, attributes, 24 if version >= 6 else 8, 0))
    java = [path for path in read if path.is_dir()]  # its home; jars are files
    for path in (*_existing(_LIBRARIES), *java):
        _allow(ruleset, path, rights & (_EXECUTE | _READ | _READ_DIR))
    others = [path for path in read if not path.is_dir()]
    for path in (*_existing(_READABLE), *Path("/etc").glob("java*"), *others):
        _allow(ruleset, path, rights & (_READ | _READ_DIR))
    for path in _existing(_DEVICES):
        _allow(ruleset, path, rights & (_READ | _WRITE))
    _allow(ruleset, directory, rights & (_READ | _READ_DIR | _WRITE | _TRUNCATE | _MAKES))
    _checked(_libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)
    return int(version)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with _opened(path) as file:
        if file is None:
            return
        rule = struct.pack("=Qi", rights if path.is_dir() else rights & _OF_FILES, file)
        _checked(_libc.syscall(_ADD, ruleset, 1, rule, 0))


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        yield None  # it cannot be read anyway
        return
    try:
        yield file
    finally:
        os.close(file)


def _existing(names: Iterable[str]) -> list[Path]:
    return [path for path in map(Path, names) if path.exists()]


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the system refuses to confine a process")
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
