"""The losses of training in PyTorch: affinities of embeddings, within a view and between two, and foreground. Written for
speed in the way users write it: one shift and one product for each offset, ground truth prepared beforehand.
SPDX-License-Identifier: BSD-2-Clause
"""
import torch
from torch.nn import functional as F

SHIFTS = (1, 3, 5, 9, 27)
PLANE = [[(0, -s, 0), (0, 0, -s)] for s in SHIFTS]
PLANE = [[step for pair in PLANE[:n] for step in pair] for n in (5, 4, 3, 2, 1)]  # of each level
UNITS = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
VOLUME = [UNITS + [(-2, 0, 0), (0, -3, 0), (0, 0, -3), (-3, 0, 0), (0, -9, 0), (0, 0, -9), (-4, 0, 0), (0, -27, 0),
                   (0, 0, -27)]] + 4 * [UNITS]


def inside(size, step):
    """Where the voxels of an image are that have a partner, and where the partners are. Steps go back."""
    here = tuple(slice(min(-s, n), n) for n, s in zip(size, step))
    there = tuple(slice(0, max(n + s, 0)) for n, s in zip(size, step))
    return here, there


class Truth:
    """Of one level: for each offset ground truth and weights of the voxels that have a partner."""

    def __init__(self, labels, steps, is_plane, dtype=torch.float32):
        n, z, y, x = labels.shape
        self.terms = []
        for step in steps:
            here, there = inside((z, y, x), step)
            a, b = labels[(slice(None),) + here], labels[(slice(None),) + there]
            if is_plane:
                whole = torch.ones(labels.shape, dtype=dtype)
            else:
                whole = (labels > 0).to(dtype) if len(steps) == 3 else torch.zeros(labels.shape, dtype=dtype)
            truth = ((a == b) if is_plane else (a == b) & (a > 0)).to(dtype)
            whole[(slice(None),) + here] = truth
            weight = torch.ones_like(truth)
            for i in range(n):
                share = whole[i].double().mean().item()
                if 0.0 < share < 1.0:
                    r = min(max(share, 0.05), 0.99)
                    equal, different = (1.0, r / (1.0 - r)) if r > 0.5 else ((1.0 - r) / r, 1.0)
                    weight[i] = torch.where(truth[i] > 0, equal, different)
            size = n * x if is_plane else max(truth.numel(), 1)
            self.terms.append((here, there, truth, weight, size))


def affinity_loss(embedding, partner, truth):
    """`partner` may be the embedding itself. Both (n,c,z,y,x), of length 1."""
    loss, every = 0.0, (slice(None), slice(None))
    for here, there, target, weight, size in truth.terms:
        affinity = (embedding[every + here] * partner[every + there]).sum(1)
        loss = loss + (weight * (affinity - target) ** 2).sum() / size
    return loss


def unit(embedding):
    return F.normalize(embedding if embedding.dim() == 5 else embedding[:, :, None], dim=1, eps=1e-12)


def foreground_loss(logits, labels):
    front = (labels > 0).long()
    n_front = front.sum()
    weight = torch.stack((n_front, front.numel() - n_front)).to(logits.dtype)
    return F.cross_entropy(logits[:, :, None], front, weight=weight)


def truths(labels, is_plane, dtype=torch.float32):
    return [Truth(labels[:, :, ::1 << level, ::1 << level], (PLANE if is_plane else VOLUME)[level], is_plane, dtype)
            for level in range(5)]


def flip_back(embedding, rules):
    """What was turned by rules (reverse z, reverse x, reverse y, exchange) as it was; no gradient goes through."""
    made = []
    for one, (z, x, y, exchange) in zip(embedding.detach(), rules):
        one = one.transpose(-1, -2) if exchange else one
        dims = [axis for axis, reverse in ((-2, y), (-1, x), (-3, z)) if reverse]
        made.append(one.flip(dims) if dims else one)
    return torch.stack(made)


def all_losses(heads, second, labels, truth, rules):
    """heads: embeddings from 1/16 to full resolution, then perhaps logits; second: the embedding of the second view."""
    units = [unit(h) for h in heads[:5]]
    losses = [affinity_loss(units[4 - level], units[4 - level], truth[level]) for level in range(5)]
    losses.append(affinity_loss(units[4], flip_back(unit(second), rules), truth[0]))
    if len(heads) > 5:
        losses.append(foreground_loss(heads[5], labels))
    return losses
