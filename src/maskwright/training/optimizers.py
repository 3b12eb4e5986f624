"""Adam and AdamW as torch has them, without loading its compiler.

torch.optim keeps the compiler away from its methods by wrapping them, and the first call of a wrapper imports the
compiler: nine hundred modules, as long as importing torch itself takes. Nothing is compiled here, so the methods below
the wrappers are called. Where a future torch wraps nothing, nothing is unwrapped.
"""

import inspect

import torch


class AdamW(torch.optim.AdamW):
    """torch's AdamW; the same numbers."""

    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class Adam(torch.optim.Adam):
    """torch's Adam; the same numbers."""

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
