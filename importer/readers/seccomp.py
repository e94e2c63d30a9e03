"""seccomp (Linux): from here on this process asks the kernel for what a reader needs, and for nothing else.

An allow-list: what isn't on it fails with EPERM. It holds beside Landlock, which lets chmod, UDP and fork pass.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence

_SET_SECCOMP, _FILTER_MODE = 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
"""Opcodes of classic BPF: load a word, jump if equal, jump if a bit is set, return."""
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_SET_NAME, _SET_VMA = 15, 0x53564D41
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""By `platform.machine()`: the kernel's word for it (linux/audit.h), and its place in `_PLAIN`."""

# Numbers from asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64); -1: the architecture has no such call.
_PLAIN: Mapping[str, tuple[int, int]] = {
    "read": (0, 63), "readv": (19, 65), "pread64": (17, 67), "preadv": (295, 69), "lseek": (8, 62),
    "write": (1, 64), "writev": (20, 66), "close": (3, 57), "dup": (32, 23), "poll": (7, -1), "ppoll": (271, 73),
    "select": (23, -1), "pselect6": (270, 72), "fadvise64": (221, 223),
    "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291), "stat": (4, -1), "lstat": (6, -1),
    "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, -1), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlink": (89, -1), "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
    "mincore": (27, 232), "brk": (12, 214), "membarrier": (324, 283), "futex": (202, 98), "rseq": (334, 293),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "set_tid_address": (218, 96),
    "arch_prctl": (158, -1), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, -1),
    "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179), "getrlimit": (97, 163),
    "getrusage": (98, 165), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_OPENAT, _OPEN = (257, 56), (2, -1)
_CLONE, _CLONE3 = (56, 220), (435, 435)
_TGKILL, _FCNTL, _PRCTL, _PRLIMIT = (234, 131), (72, 25), (157, 167), (302, 261)
_IOCTL, _CLOSE_ON_EXEC = (16, 29), 0x5451
_HARMLESS_FCNTL = (0, 1, 2, 3, 1030)
"""Duplicate, and look at flags. Not F_SETOWN, which could send a signal to any process of the user."""

Step = tuple[int, int, int, int]
"""One instruction: opcode, jump if true, jump if false, operand."""


def known() -> bool:
    """Whether there are numbers for this system."""
    return sys.platform.startswith("linux") and platform.machine() in _ARCHITECTURES


def lock() -> bool:
    """Lock this thread, and threads that it starts from now on, up. Needs `landlock.give_up_privileges`, or root. Can't
    be undone. Returns whether it holds.
    """
    if not known():
        return False
    arch, place = _ARCHITECTURES[platform.machine()]
    steps = list(_steps(arch, place, os.getpid()))
    program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(program)))
    done = ctypes.CDLL(None).prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER_MODE), ctypes.byref(header), 0, 0)
    return bool(done == 0)


def _steps(arch: int, place: int, pid: int) -> Iterator[Step]:
    yield _LOAD, 0, 0, _ARCH_AT
    yield _EQUAL, 1, 0, arch
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER_AT
    for numbers in _PLAIN.values():
        yield from _if_number(numbers[place], [(_RETURN, 0, 0, _ALLOW)])
    for numbers, argument in ((_OPENAT, 2), (_OPEN, 1)):
        yield from _if_number(numbers[place], [_load(argument), *_unless_bit(_WRITES)])
    # A thread is started by clone, a process too; clone3 hides its flags in memory: glibc falls back to clone.
    yield from _if_number(_CLONE3[place], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    yield from _if_number(_CLONE[place], [_load(0), (_ANY_BIT, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW), _DENY])
    # abort() signals its own thread; without this it ends in a SIGSEGV, which reads like another fault.
    yield from _if_number(_TGKILL[place], [_load(0), *_if_one_of([pid])])
    yield from _if_number(_FCNTL[place], [_load(1), *_if_one_of(_HARMLESS_FCNTL)])
    yield from _if_number(_IOCTL[place], [_load(1), *_if_one_of([_CLOSE_ON_EXEC])])
    yield from _if_number(_PRCTL[place], [_load(0), *_if_one_of([_SET_NAME, _SET_VMA])])
    # Limits may be asked for, not set: the pointer to a new one is null in both halves.
    asked = [_load(2), (_EQUAL, 1, 0, 0), _DENY, (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * 2 + 4), *_if_one_of([0])]
    yield from _if_number(_PRLIMIT[place], asked)
    yield _DENY


_DENY: Step = (_RETURN, 0, 0, _ERRNO | errno.EPERM)


def _load(argument: int) -> Step:
    """The lower half of an argument of the call; both architectures are little-endian."""
    return _LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument


def _if_number(number: int, then: Sequence[Step]) -> Iterator[Step]:
    """Every way through `then` must return."""
    if number >= 0:
        yield _EQUAL, 0, len(then), number
        yield from then


def _if_one_of(values: Sequence[int]) -> Iterator[Step]:
    for value in values:
        yield _EQUAL, 0, 1, value
        yield _RETURN, 0, 0, _ALLOW
    yield _DENY


def _unless_bit(bits: int) -> Iterator[Step]:
    yield _ANY_BIT, 0, 1, bits
    yield _DENY
    yield _RETURN, 0, 0, _ALLOW
