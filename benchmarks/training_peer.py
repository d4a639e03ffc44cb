"""open_clip's training program, to train beside ours: its data pipeline and its epoch, called as its `main` does."""

from __future__ import annotations

import json
import time
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import torch
from open_clip import add_model_config, create_loss, create_model_and_transforms, get_tokenizer
from open_clip_train.data import get_data
from open_clip_train.distributed import init_distributed_device
from open_clip_train.params import parse_args
from open_clip_train.scheduler import cosine_lr
from open_clip_train.train import train_one_epoch
from torch import nn
from training_steps import between, wait_for

from rsclip_lab.environment import select_precision
from rsclip_lab.models import Clip
from rsclip_lab.training import FinetuneConfig

PRECISIONS = {torch.bfloat16: "amp_bf16", torch.float16: "amp", torch.float32: "fp32"}


class OpenClipTrain:
    """open_clip_train with the network, batch size, precision, optimizer and schedule of ours."""

    def __init__(self, clip: Clip, config: FinetuneConfig, folder: Path) -> None:
        """config: with nothing left open. folder: for what open_clip reads."""
        self.clip, self.config, self.folder, self.name = clip, config, folder, f"{clip.name}-as-ours"
        described = folder / f"{self.name}.json"
        described.write_text(json.dumps(clip.description["architecture"]))
        add_model_config(described)

    def train(self, table: pd.DataFrame, workers: int, epochs: int) -> list[float]:
        """Seconds of each epoch over a table with one row a picture; the first begin when the network is there."""
        args = self.arguments(table, workers, epochs)
        net, transform, _ = create_model_and_transforms(
            self.name, precision=args.precision, device=args.device, output_dict=True
        )
        net.load_state_dict(self.clip.net.state_dict())
        with as_its_main_sets(args):
            marks = [time.perf_counter()]
            data = get_data(args, (transform, transform), tokenizer=get_tokenizer(self.name))
            optimizer = adamw(net, args)
            scaler = torch.amp.GradScaler(self.clip.device.type) if args.precision == "amp" else None
            steps = data["train"].dataloader.num_batches * epochs
            schedule = cosine_lr(optimizer, args.lr, int(self.config.warmup * steps), steps)
            loss = create_loss(args)
            for epoch in range(epochs):
                train_one_epoch(net, data, loss, epoch, optimizer, scaler, schedule, None, args)
                wait_for(self.clip.device)
                marks.append(time.perf_counter())
        return between(marks)

    def arguments(self, table: pd.DataFrame, workers: int, epochs: int) -> Namespace:
        """What its command line would give it, the table written for it."""
        config, precision = self.config, select_precision(self.clip.device)
        csv = self.folder / "peer.csv"
        table[["image", "caption"]].to_csv(csv, sep="\t", index=False, header=["filepath", "title"])
        options = {
            "model": self.name, "train-data": csv, "dataset-type": "csv", "workers": workers,
            "batch-size": config.batch_size, "epochs": epochs, "precision": PRECISIONS[precision.dtype],
            "lr": config.learning_rate, "wd": config.weight_decay, "beta1": 0.9, "beta2": 0.98, "eps": 1e-6,
            "grad-clip-norm": config.max_grad_norm, "device": self.clip.device.type,
        }  # fmt: skip
        args = parse_args([f"--{name}={value}" for name, value in options.items()])
        init_distributed_device(args)  # which notes in args that there is one process
        args.distill = args.wandb = False
        return args


def adamw(net: nn.Module, args: Namespace) -> torch.optim.AdamW:
    """As its `main` builds it: not fused, biases and gains undecayed."""
    whole = [p for p in net.parameters() if p.ndim >= 2]
    gains = [p for p in net.parameters() if p.ndim < 2]
    groups = [{"params": gains, "weight_decay": 0.0}, {"params": whole, "weight_decay": args.wd}]
    return torch.optim.AdamW(groups, lr=args.lr, betas=(args.beta1, args.beta2), eps=args.eps)


@contextmanager
def as_its_main_sets(args: Namespace) -> Iterator[None]:
    """With a GPU: TF32, and cuDNN's search for the fastest algorithm; afterwards as before."""
    tf32, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    try:
        with torch.backends.cudnn.flags(benchmark=True, allow_tf32=True), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*pin_memory")  # it pins memory without a GPU, too
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = tf32
