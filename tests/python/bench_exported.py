"""The other side of bench_exported: eager PyTorch, forward and backward in training mode, one thread, milliseconds of CPU time.

    bench_exported.py NAME [BATCH [STEPS]]      a network of export_networks.py
"""

import statistics
import sys
import time

import torch
from export_networks import NETWORKS, without_noise

torch.set_num_threads(1)
make, shape = NETWORKS[sys.argv[1]]
batch, steps = (int(number) for number in (sys.argv[2:] + ["8", "20"][len(sys.argv) - 2 :]))
for layout in (torch.contiguous_format, torch.channels_last)[: 2 if len(shape) == 3 else 1]:
    model = without_noise(make()).train().to(memory_format=layout)
    inputs = torch.randn(batch, *shape).to(memory_format=layout)
    times = []
    for _ in range(steps):
        start = time.process_time()
        model(inputs).sum().backward()
        model.zero_grad()
        times.append((time.process_time() - start) * 1e3)
    print(f"{layout}: median of {steps - steps // 4} steps: {statistics.median(times[steps // 4 :]):.2f} ms")
