"""Where and how torch computes: device, threads, precision, determinism."""

import os

import torch

from clintune import params
from clintune.errors import ParamsError, UserError

DEVICE = "CLINTUNE_DEVICE"


def prepare(numerics: params.Numerics) -> torch.device:
    """Fix what decides the last bits, and choose the device.

    That is CLINTUNE_DEVICE, else a GPU, else the CPU; the portable profile takes a GPU only where
    CLINTUNE_DEVICE names it. Raises UserError for a name that is no device of this machine.
    """
    torch.set_num_threads(numerics.threads)
    torch.use_deterministic_algorithms(True)
    # Fresh memory is not filled with NaN first: it costs 8 % of a step, and guards against nothing that the
    # comparison of whole runs does not show.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = False
    fast = torch.cuda.is_available() and numerics.profile == "native"
    name = os.environ.get(DEVICE) or ("cuda" if fast else "cpu")
    if name != "cpu" and not (name.partition(":")[0] == "cuda" and torch.cuda.is_available()):
        raise UserError(DEVICE, f"{name!r} is no device of this machine", "set cpu, or cuda with a GPU")
    return torch.device(name)


def uses_bf16(precision: str, numerics: params.Numerics, device: torch.device) -> bool:
    """Whether to multiply in bf16. `auto` asks the device, and is fp32 in the portable profile.

    Raises ParamsError for bf16 in the portable profile: no two kinds of CPU agree on it.
    """
    portable = numerics.profile == "portable"
    if precision == "bf16" and portable:
        problem = "bf16 differs between CPUs, and numerics.profile is portable"
        raise ParamsError("params.yaml: train.precision", problem, "choose fp32, or the profile native")
    if precision != "auto":
        return precision == "bf16"
    return not portable and _fast_at_bf16(device)


def _fast_at_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
