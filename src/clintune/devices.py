"""Where and how torch computes: device, threads, precision, determinism."""

import os
from dataclasses import dataclass

import torch

from clintune import params
from clintune.errors import UserError
from clintune.provenance import text_sha256

DEVICE = "CLINTUNE_DEVICE"


@dataclass(frozen=True, slots=True)
class Compute:
    """What was chosen for this run: the params leave some of it to the machine."""

    device: torch.device
    bf16: bool

    def facts(self) -> dict[str, str]:
        """For the tracked run: with threads and profile, the numeric class that a result belongs to."""
        on_gpu = self.device.type == "cuda"
        name = f" ({torch.cuda.get_device_name(self.device)})" if on_gpu else ""
        return {
            "numerics.device": f"{self.device}{name}",
            "numerics.precision": "bf16" if self.bf16 else "fp32",
            "numerics.isa": torch.backends.cpu.get_cpu_capability(),
            "numerics.torch_build_sha256": text_sha256(torch.__config__.show()),
        }


def prepare(numerics: params.Numerics, precision: str = "fp32") -> Compute:
    """Fix what decides the last bits, and choose device and precision.

    The device is that of CLINTUNE_DEVICE, else a GPU, else the CPU; the portable profile takes a GPU only
    where CLINTUNE_DEVICE names it. The precision `auto` is bf16 where the device is fast at it, and fp32 in
    the portable profile. Raises UserError for a name that is no device of this machine.
    """
    torch.set_num_threads(numerics.threads)
    torch.use_deterministic_algorithms(True)
    # Fresh memory is not filled with NaN first: it costs 8 % of a step, and guards against nothing that the
    # comparison of whole runs does not show.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = False
    device = _device(numerics)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # Accelerate computes on the current one, whatever its index
    portable = numerics.profile == "portable"
    return Compute(
        device, _fast_at_bf16(device) and not portable if precision == "auto" else precision == "bf16"
    )


def _device(numerics: params.Numerics) -> torch.device:
    fast = torch.cuda.is_available() and numerics.profile == "native"
    name = os.environ.get(DEVICE) or ("cuda" if fast else "cpu")
    kind, _, index = name.partition(":")
    there = kind == "cuda" and torch.cuda.is_available() and (index or "0").isdecimal()
    if name != "cpu" and not (there and int(index or 0) < torch.cuda.device_count()):
        raise UserError(DEVICE, f"{name!r} is no device of this machine", "set cpu, or cuda with a GPU")
    return torch.device("cpu") if name == "cpu" else torch.device("cuda", int(index or 0))


def _fast_at_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
