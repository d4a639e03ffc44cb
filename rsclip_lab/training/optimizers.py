"""What takes the steps: torch's optimizers, with groups of parameters that are treated alike."""

from __future__ import annotations

import torch
from torch import nn

from rsclip_lab.training.config import FinetuneConfig


def make_optimizer(net: nn.Module, config: FinetuneConfig, device: torch.device) -> torch.optim.Optimizer:
    """AdamW with CLIP's betas; norms, biases and logit scale (below two dimensions) undecayed."""
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=device.type in ("cpu", "cuda")
    )
