"""How large gradients, updates and activations of each layer are: a line at each validation.

Knows nothing of losses and changes nothing: what it looks at is a step that is rehearsed and forgotten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lmcompare.files import write_text
from lmcompare.models.neural.learner import Learner


class Statistics:
    """`statistics.jsonl` of one training: JSON lines with a step and numbers by name.

    `gradient` is the norm of a parameter's gradient after clipping, `update` the size of one step of it
    divided by the parameter's own (about 0.001 where learning goes well), `activation` the root mean square
    of what a module puts out, `carried` that of what a recurrent layer, or a memory, carries on.
    """

    def __init__(self, folder: Path, learner: Learner) -> None:
        self.path, self.learner = folder / "statistics.jsonl", learner

    def write(self, step: int, scale: float) -> None:
        """Add the line of the step that would come next, at a share `scale` of the highest rate."""
        line = json.dumps({"step": step, **examine(self.learner, step, scale)})
        self._replace([*self._lines(), line])

    def cut(self, step: int) -> None:
        """Drop the lines of steps that a resumed training has yet to do."""
        self._replace([line for line in self._lines() if json.loads(line)["step"] <= step])

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []

    def _replace(self, lines: list[str]) -> None:
        write_text(self.path, "".join(line + "\n" for line in lines))


def examine(learner: Learner, step: int, scale: float) -> dict[str, dict[str, float]]:
    """The statistics of one step, which is taken back."""
    found: dict[str, dict[str, float]] = {"gradient": {}, "update": {}, "activation": {}, "carried": {}}
    network = learner.network if learner.working is None else learner.working.copy
    hooks = [
        module.register_forward_hook(_listen(found["activation"], name))
        for name, module in network.named_modules()
        if name and not name.startswith("embedding") and not isinstance(module, nn.ModuleList)
    ]
    weights = dict(learner.network.named_parameters())
    with learner.rehearsal():
        before = {name: weight.detach().clone() for name, weight in weights.items()}
        try:
            learner.learn(step, scale, found["gradient"])
        finally:
            for hook in hooks:
                hook.remove()
        for name, weight in weights.items():
            size = float(before[name].norm())
            if size:
                found["update"][name] = float((weight.detach() - before[name]).norm()) / size
        for number, part in enumerate(part for parts in learner.carried for part in parts):
            found["carried"][str(number)] = _root_mean_square(part)
    return {what: of for what, of in found.items() if of}


def _listen(into: dict[str, float], name: str) -> Any:
    def hook(module: nn.Module, given: Any, out: Any) -> None:
        first = out[0] if isinstance(out, tuple) else out
        if isinstance(first, Tensor) and first.is_floating_point():
            into[name] = _root_mean_square(first)

    return hook


@torch.no_grad()
def _root_mean_square(values: Tensor) -> float:
    return float(values.detach().float().square().mean().sqrt())
