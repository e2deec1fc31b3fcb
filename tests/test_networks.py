"""Weights on a disk that fails."""

import errno

import pytest
from safetensors import SafetensorError
from torch import nn

from clintune.networks import write_weights


def failing(said):
    def save(tensors, path):
        raise SafetensorError(said)

    return save


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    monkeypatch.setattr("clintune.networks.save_file", failing(said))
    with pytest.raises(OSError, match="No space left") as caught:
        write_weights(nn.Linear(2, 2), tmp_path / "model.safetensors")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "model.safetensors"))


def test_another_fault_of_the_file_stays_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("clintune.networks.save_file", failing("no such dtype"))
    with pytest.raises(SafetensorError):
        write_weights(nn.Linear(2, 2), tmp_path / "model.safetensors")
