"""The optimizer and the course of its learning rate."""

from torch import nn, optim

from clintune import params


def adamw(network: nn.Module, section: params.Train) -> optim.AdamW:
    """AdamW with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Biases and normalisation weights, all tensors of one dimension, are not decayed.
    """
    tensors = [tensor for tensor in network.parameters() if tensor.requires_grad]
    groups = [
        {"params": [tensor for tensor in tensors if tensor.ndim > 1], "weight_decay": section.weight_decay},
        {"params": [tensor for tensor in tensors if tensor.ndim <= 1], "weight_decay": 0.0},
    ]
    betas = (section.beta1, section.beta2)
    return optim.AdamW(groups, lr=section.learning_rate, betas=betas, eps=section.epsilon, fused=True)


def warmup_then_decay(
    optimizer: optim.Optimizer, *, steps: int, warmup: float
) -> optim.lr_scheduler.LambdaLR:
    """Linear from 0 over the first `warmup` share of `steps`, then linear to 0 at the end."""
    rising = round(steps * warmup)

    def share(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        return (steps - step) / max(1, steps - rising)

    return optim.lr_scheduler.LambdaLR(optimizer, share)
