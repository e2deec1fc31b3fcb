import pytest

from clintune.devices import prepare
from clintune.errors import UserError


def test_without_a_gpu_the_cpu_computes(tiny, monkeypatch):
    monkeypatch.delenv("CLINTUNE_DEVICE", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert prepare(tiny.numerics).type == "cpu"


def test_the_portable_profile_stays_on_the_cpu_beside_a_gpu(tiny, monkeypatch):
    monkeypatch.delenv("CLINTUNE_DEVICE", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    portable = tiny.numerics.model_copy(update={"profile": "portable"})
    assert prepare(portable).type == "cpu"
    assert prepare(tiny.numerics).type == "cuda"


@pytest.mark.parametrize("name", ["cuda", "gpu", "cuda:x", " "])
def test_a_device_that_is_not_there_is_one_line(tiny, monkeypatch, name):
    monkeypatch.setenv("CLINTUNE_DEVICE", name)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=r"^CLINTUNE_DEVICE: "):
        prepare(tiny.numerics)
