"""k nearest neighbours: what the features' own neighbourhoods know, without any training."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.environment import progress
from rsclip_lab.evaluation.probes.inputs import checked_sides
from rsclip_lab.evaluation.probes.result import ProbeResult

CHUNK = 2**22  # numbers at a time: cosines with all training pictures, or features of the neighbours


@torch.no_grad()
def knn_probe(
    train_features, train_labels, test_features, test_labels, k: int = 20, temperature: float = 0.07
) -> ProbeResult:
    """The weighted vote of the k training pictures with the highest cosine, each with weight exp(cosine / T).

    Features [n, dim] of any length and labels [n]; works on the device of the training features. `probabilities`
    are the shares of the votes. As Wu et al. 2018 (arXiv:1805.01978), section 3.4, and DINO (Caron et al. 2021).
    Raises ValueError for sides that do not fit each other, a k that is not 1 to the number of training pictures,
    and a temperature of 0 or below.
    """
    train, labels, test, test_labels = checked_sides(train_features, train_labels, test_features, test_labels)
    if not 1 <= k <= len(train):
        raise ValueError(f"k is {k} with {len(train)} training pictures: choose it from 1 to {len(train)}")
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}: give one above 0")
    classes, class_of_row = np.unique(labels, return_inverse=True)
    class_of_row = torch.from_numpy(class_of_row).to(train.device)
    train, test = F.normalize(train, dim=-1), F.normalize(test, dim=-1)
    shares = []
    numbers_a_query = max(len(train), k * train.shape[1])
    for queries in progress(test.split(max(1, CHUNK // numbers_a_query)), desc="neighbours"):
        rows = (queries @ train.T).topk(k, dim=1).indices
        shares.append(_votes(queries, train[rows], class_of_row[rows], len(classes), temperature).cpu())
    settings = {"k": k, "temperature": temperature}
    return ProbeResult("knn", classes, test_labels, torch.cat(shares).numpy(), settings)


def _votes(queries: Tensor, neighbours: Tensor, voted: Tensor, classes: int, temperature: float) -> Tensor:
    """Shares float64 [queries, classes]. neighbours: [queries, k, dim]; voted: their classes [queries, k].

    In double precision, for 1/T makes the rounding of a cosine 14 times as large.
    """
    cosines = F.cosine_similarity(queries[:, None].double(), neighbours.double(), dim=-1)
    weights = (cosines / temperature).softmax(dim=1)
    return weights.new_zeros(len(queries), classes).scatter_add_(1, voted, weights)
