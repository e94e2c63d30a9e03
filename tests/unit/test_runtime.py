import ctypes
import gc
from pathlib import Path

import pytest

from importer.runtime import give_memory_back, loaded, loading, share_one_heap, sort_well

ZEN_4 = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nflags\t\t: fpu avx2 avx512f\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(ZEN_4, {"NPY_DISABLE_CPU_FEATURES": "X86_V4"}, id="zen-4"),
        pytest.param(ZEN_4.replace(" avx512f", ""), {}, id="zen-3"),
        pytest.param(ZEN_4.replace("25", "26"), {}, id="zen-5"),
        pytest.param(ZEN_4.replace("AuthenticAMD", "GenuineIntel"), {}, id="intel"),
        pytest.param("", {}, id="nothing-known"),
    ],
)
def test_numpy_is_kept_from_avx_512_where_it_sorts_slowly(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    environ: dict[str, str] = {}
    sort_well(environ, file)
    assert environ == expected


def test_what_a_user_has_set_stays(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(ZEN_4)
    environ = {"NPY_DISABLE_CPU_FEATURES": "AVX512_SPR"}
    sort_well(environ, file)
    assert environ == {"NPY_DISABLE_CPU_FEATURES": "AVX512_SPR"}


def test_a_system_that_tells_nothing_is_no_harm(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    sort_well(environ, tmp_path / "missing")
    assert environ == {}


def test_arrow_uses_the_system_s_allocator_unless_a_user_says_otherwise() -> None:
    environ: dict[str, str] = {}
    give_memory_back(environ)
    assert environ == {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    environ = {"ARROW_DEFAULT_MEMORY_POOL": "jemalloc"}
    give_memory_back(environ)
    assert environ == {"ARROW_DEFAULT_MEMORY_POOL": "jemalloc"}


def test_garbage_is_collected_again_once_all_is_loaded_but_for_what_stays() -> None:
    try:
        loading()
        assert not gc.isenabled()
        loaded()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()


def test_threads_share_one_heap_unless_a_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class Libc:
        def mallopt(self, what: int, value: int) -> int:
            asked.append((what, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Libc())
    share_one_heap({"MALLOC_ARENA_MAX": "4"})
    assert asked == []
    share_one_heap({})
    assert asked == [(-8, 1)]


def test_a_c_library_without_heaps_of_threads_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    share_one_heap({})
