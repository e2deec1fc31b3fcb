import pytest

from clintune.devices import prepare
from clintune.errors import UserError


@pytest.fixture
def gpus(monkeypatch):
    """As many GPUs as a test says; none of them is asked to compute."""

    def present(count: int) -> list[object]:
        chosen: list[object] = []
        monkeypatch.setattr("torch.cuda.is_available", lambda: count > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        monkeypatch.setattr("torch.cuda.set_device", chosen.append)
        return chosen

    monkeypatch.delenv("CLINTUNE_DEVICE", raising=False)
    return present


def test_without_a_gpu_the_cpu_computes(tiny, gpus):
    gpus(0)
    assert prepare(tiny.numerics).device.type == "cpu"


def test_the_portable_profile_stays_on_the_cpu_beside_a_gpu(tiny, gpus):
    gpus(1)
    portable = tiny.numerics.model_copy(update={"profile": "portable"})
    assert prepare(portable).device.type == "cpu"
    assert prepare(tiny.numerics).device.type == "cuda"


def test_the_gpu_that_was_named_is_the_current_one_which_accelerate_takes(tiny, gpus, monkeypatch):
    chosen = gpus(2)
    monkeypatch.setenv("CLINTUNE_DEVICE", "cuda:1")
    assert str(prepare(tiny.numerics).device) == "cuda:1"
    assert [str(one) for one in chosen] == ["cuda:1"]


@pytest.mark.parametrize("name", ["cuda", "gpu", "cuda:x", " ", "cpu:1"])
def test_a_device_that_is_not_there_is_one_line(tiny, gpus, monkeypatch, name):
    gpus(0)
    monkeypatch.setenv("CLINTUNE_DEVICE", name)
    with pytest.raises(UserError, match=r"^CLINTUNE_DEVICE: "):
        prepare(tiny.numerics)


def test_a_gpu_beyond_the_last_is_one_line(tiny, gpus, monkeypatch):
    gpus(1)
    monkeypatch.setenv("CLINTUNE_DEVICE", "cuda:1")
    with pytest.raises(UserError, match="no device of this machine"):
        prepare(tiny.numerics)


def test_what_auto_became_is_told_with_the_device(tiny, gpus, monkeypatch):
    gpus(0)
    portable = tiny.numerics.model_copy(update={"profile": "portable"})
    for capable in (True, False):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda capable=capable: {"avx512_bf16": capable})
        precision = "bf16" if capable else "fp32"
        facts = prepare(tiny.numerics, "auto").facts()
        assert (facts["numerics.device"], facts["numerics.precision"]) == ("cpu", precision)
        assert facts.keys() > {"numerics.isa", "numerics.torch_build_sha256"}
        assert prepare(portable, "auto").facts()["numerics.precision"] == "fp32"
    assert prepare(tiny.numerics, "bf16").bf16
