"""The weights that the optimizer changes, and those that the network computes with."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn


class Weights:
    """All tensors of a network in fp32, by name; in bf16 the network computes with copies of them.

    Cast once a step, not once an operation as autocast does. A step smaller than the last bit of bf16 still
    adds up here (Micikevicius et al. 2018, arXiv:1710.03740). Without bf16 they are the network's own.
    """

    def __init__(self, network: nn.Module, *, bf16: bool) -> None:
        self._network = dict(network.named_parameters())
        self.tensors: Mapping[str, Tensor] = self._network
        self._trained: frozenset[str] = frozenset(self._network)
        self._gradients: dict[str, Tensor] = {}
        if bf16:
            self.tensors = {
                name: nn.Parameter(tensor.detach().clone()) for name, tensor in self._network.items()
            }
            for tensor in self._network.values():  # buffers stay: positions are computed in fp32
                tensor.data = tensor.data.to(torch.bfloat16)

    @property
    def _copied(self) -> bool:
        return self.tensors is not self._network

    def train_only(self, names: Collection[str]) -> None:
        """From now on these have gradients and the others have none."""
        self._trained = frozenset(names)
        for name, tensor in self._network.items():
            tensor.requires_grad_(name in self._trained)
            if name not in self._trained:
                tensor.grad = self.tensors[name].grad = None

    def trained(self) -> list[Tensor]:
        """What the optimizer changes now, in the order of the network."""
        return [tensor for name, tensor in self.tensors.items() if name in self._trained]

    def collect(self) -> None:
        """After a backward pass: add its gradients to those of the fp32 weights."""
        if not self._copied:
            return
        for name in self._trained:
            copy, tensor = self._network[name], self.tensors[name]
            if copy.grad is None:
                continue
            if tensor.grad is None:
                # The same memory in every step: fresh pages cost more than the numbers in them.
                kept = self._gradients.setdefault(name, torch.empty_like(tensor))
                tensor.grad = kept.copy_(copy.grad)
            else:
                tensor.grad.add_(copy.grad)
            copy.grad = None

    def clear(self) -> None:
        """Before a step: no gradients."""
        for tensor in self.tensors.values():
            tensor.grad = None

    def publish(self) -> None:
        """After a step of the optimizer: let the network compute with the new weights."""
        if self._copied:
            with torch.no_grad():
                for name in self._trained:
                    self._network[name].copy_(self.tensors[name])

    def load(self, saved: Mapping[str, Tensor]) -> None:
        """Take these values for all tensors."""
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(saved[name])
                self._network[name].copy_(saved[name])
