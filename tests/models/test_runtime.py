"""The measured choice of number type and threads."""

import pytest

from poisonscan.models import runtime


@pytest.fixture
def rates(monkeypatch):
    """Replace the measurement by a table: products per second by (number type, threads)."""

    def install(table, processors=8):
        import torch

        def rate(dtype, _device, _rows):
            return table[str(dtype).removeprefix("torch."), torch.get_num_threads()]

        monkeypatch.setattr(runtime, "_rate", rate)
        monkeypatch.setattr(runtime, "_processors", lambda: processors)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    return install


@pytest.mark.parametrize(("half", "expected"), [(1.3, "float32"), (140.0, "float32"), (300.0, "bfloat16")])
def test_bf16_must_be_clearly_faster(rates, half, expected):
    """At 100 products a second in fp32 it takes 150 in bf16."""
    rates({("float32", 1): 100.0, ("bfloat16", 1): half})
    assert runtime.fastest_dtype("cpu", 1) == expected


@pytest.mark.parametrize(("whole", "half", "expected"), [(100, 50, 8), (100, 110, 8), (100, 160, 4)])
def test_fewer_threads_must_be_clearly_faster(rates, whole, half, expected):
    """All eight unless four are a fifth faster."""
    rates({("float32", 8): whole, ("float32", 4): half})
    assert runtime.fastest_threads() == expected


def test_one_processor_and_omp_num_threads_are_not_questioned(rates, monkeypatch):
    """Nothing is measured where there is no choice, or the user made it."""
    import torch

    rates({}, processors=1)
    assert runtime.fastest_threads() == 1
    rates({}, processors=8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert runtime.fastest_threads() == torch.get_num_threads()


def test_the_number_type_is_remembered_and_threads_are_put_back(rates, tmp_path, monkeypatch):
    """The second start measures threads only; choosing changes nothing until it is applied."""
    import torch

    before = torch.get_num_threads()
    rates({("float32", 8): 100, ("float32", 4): 50, ("bfloat16", 8): 1})
    first = runtime.choose_runtime(tmp_path)
    monkeypatch.setattr(runtime, "fastest_dtype", lambda *_: pytest.fail("measured again"))
    assert runtime.choose_runtime(tmp_path) == first
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": {"device": "cpu"}}'])
def test_an_unreadable_memory_is_measured_over(rates, tmp_path, content):
    """Whatever another version wrote there."""
    rates({("float32", 8): 100, ("float32", 4): 50, ("bfloat16", 8): 1})
    (tmp_path / "runtime.json").write_bytes(content)
    assert runtime.choose_runtime(tmp_path).dtype == "float32"
