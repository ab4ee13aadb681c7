#!/usr/bin/env python3
# checkpoints.py - random checkpoints, read by PyTorch and by us: names, order, types, shapes and bytes must agree.
# SPDX-License-Identifier: BSD-2-Clause
#
#     checkpoints.py DUMP_WEIGHTS [N] [SEED]
#
# For a developer's machine with torch and numpy; script/test does not run it. DUMP_WEIGHTS is the program made from
# tests/tools/dump_weights.c. The seed is printed: it repeats a failure.
import collections
import os
import random
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import torch

FLOATS = [torch.float32, torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def numbers(r, shape, dtype):
    n = int(np.prod(shape, dtype=np.int64))
    if dtype in FLOATS:
        values = torch.tensor([r.uniform(-100, 100) if r.random() < 0.9 else r.choice([0.0, -0.0, 1e-7, 6e4])
                               for _ in range(n)], dtype=torch.float64)
    else:
        bits = {torch.int64: 62, torch.int32: 31, torch.int16: 15, torch.int8: 7, torch.uint8: 8, torch.bool: 1}[dtype]
        low = 0 if dtype in (torch.uint8, torch.bool) else -(1 << bits)
        values = torch.tensor([r.randint(low, (1 << bits) - 1) for _ in range(n)], dtype=torch.int64)
    return values.to(dtype).reshape(shape)


def tensor(r, pool):
    """A tensor of any type and layout; `pool` keeps some to share storages with."""
    if pool and r.random() < 0.2:
        return r.choice(pool)
    dtype = r.choice(FLOATS) if r.random() < 0.7 else r.choice(INTEGERS)
    shape = [r.choice([0, 1, 1, 2, 3, 4, 5]) if r.random() < 0.9 else 1 for _ in range(r.randint(0, 5))]
    t = numbers(r, shape, dtype)
    kind = r.randint(0, 9)
    if kind == 0 and t.dim() >= 2:
        t = t.transpose(r.randrange(t.dim()), r.randrange(t.dim()))
    elif kind == 1 and t.dim() == 4:
        t = t.contiguous(memory_format=torch.channels_last)
    elif kind == 2 and t.dim() >= 1 and t.shape[0] > 1:
        t = t[r.randrange(t.shape[0]):]
    elif kind == 3 and t.dim() >= 1 and t.shape[-1] > 1:
        t = t[..., ::2]
    elif kind == 4:
        t = t.reshape([1] + list(t.shape)).expand([r.randint(1, 4)] + list(t.shape))
    elif kind == 5 and t.dtype.is_floating_point:
        t = torch.nn.Parameter(t, requires_grad=r.random() < 0.5)
    elif kind == 6 and t.dim() >= 1:
        t = t.permute(r.sample(range(t.dim()), t.dim()))
    elif kind == 7 and t.numel() > 0:
        t = t.reshape(-1)[r.randrange(t.numel())]
    pool.append(t)
    return t


def other(r, no_arrays, depth=0):
    """A value that is no tensor. Arrays of NumPy use opcodes in protocol 5 that we refuse on purpose."""
    if depth < 3 and r.random() < 0.3:
        inner = [other(r, no_arrays, depth + 1) for _ in range(r.randint(0, 4))]
        return r.choice([list, tuple, lambda v: {i: x for i, x in enumerate(v)}])(inner)
    if r.random() < 0.1 and not no_arrays:
        return np.arange(3.0)
    return r.choice([None, True, False, 5, -70000, 1 << 40, -(1 << 63), 0.25, 'text', 'a\u00e9\u4e2d', torch.Size([1, 2]),
                     torch.device('cpu'), torch.float16, np.float64(0.5)])


def checkpoint(r, no_arrays):
    """What to save, and the tensors that must come out, in order."""
    state = r.choice([dict, collections.OrderedDict])()
    pool, expected = [], []
    prefix = 'module.' if r.random() < 0.3 else ''
    n = r.choice([1, 2, 5, 20, 100, 300])
    for i in range(n):
        if i > 0 and r.random() < 0.1:
            state[prefix + 'other%d' % i] = other(r, no_arrays)
            continue
        name = r.choice(['layer%d.weight', 'bn%d.running_mean', '%d', 'h\u00e9%d']) % i
        state[prefix + name] = tensor(r, pool)
        expected.append((name, state[prefix + name]))
    if isinstance(state, collections.OrderedDict) and r.random() < 0.5:
        state._metadata = collections.OrderedDict([('', {'version': 1}), ('a.b', {'version': 2})])
    where = r.choice([None, 'model_weights', 'state_dict', 'model'])
    if not where:
        return state, expected
    top = {'current_iter': 1234, 'valid_result': None, where: state, 'extra': other(r, no_arrays)}
    if r.random() < 0.5:
        top['optimizer'] = {'state': {0: {'step': 1, 'exp_avg': torch.ones(3)}}, 'param_groups': [{'lr': 1e-3}]}
    items = list(top.items())
    r.shuffle(items)
    return dict(items), expected


def line(name, t):
    t = t.detach()
    kind = 'float32' if t.dtype.is_floating_point else 'int64'
    values = t.to(torch.float32 if kind == 'float32' else torch.int64).contiguous().numpy()
    return '%s %s (%s) %08x' % (name, kind, ','.join(str(s) for s in t.shape), zlib.crc32(values.tobytes()))


def main():
    dump, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print('seed', seed)
    n_tensors = 0
    for i in range(n):
        r = random.Random('%d %d' % (seed, i))
        legacy, protocol = r.random() < 0.5, r.randint(1, 5)
        saved, expected = checkpoint(r, protocol == 5)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'model.ckpt')
            torch.save(saved, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
            # What PyTorch itself reads is the oracle, not what was saved.
            loaded = torch.load(path)
            for key in ('model_weights', 'state_dict', 'model'):
                if key in loaded and isinstance(loaded[key], dict):
                    loaded = loaded[key]
                    break
            tensors = [(k, v) for k, v in loaded.items() if isinstance(v, torch.Tensor)]
            if all(k.startswith('module.') for k, _ in tensors):
                tensors = [(k[len('module.'):], v) for k, v in tensors]
            wanted = [line(k, v) for k, v in tensors]
            assert len(wanted) == len(expected)
            output = subprocess.run([dump, path], capture_output=True, check=True).stdout.decode().splitlines()[1:]
            n_tensors += len(wanted)
            if output != wanted:
                kept = '/tmp/differs-%d-%d.ckpt' % (seed, i)
                os.replace(path, kept)
                print('case %d (%s, protocol %d) differs; kept as %s' % (i, 'legacy' if legacy else 'zip', protocol, kept))
                for ours, theirs in zip(output, wanted):
                    if ours != theirs:
                        print('  ours  ', ours, '\n  theirs', theirs)
                return 1
    print('%d checkpoints with %d tensors agree' % (n, n_tensors))
    return 0


if __name__ == '__main__':
    sys.exit(main())
