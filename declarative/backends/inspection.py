"""The work of a report, done when the report is first read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from declarative.backends.numbers import numbers, numbers_only
from declarative.backends.report import Report


@dataclass(frozen=True)
class Inspection:
    """The work of a report that nobody has asked for yet, and the tensors that it reads: data, the caller's own too."""

    work: Callable[[tuple[Tensor, ...]], Report]
    reads: tuple[Tensor, ...]

    def then(self, change: Callable[[Report], Report]) -> Inspection:
        """The same with a change of what comes out."""
        return replace(self, work=lambda reads: change(self.work(reads)))


CHANGED = "the data were changed in place after the solution, so that there is no report any more: read `report` before"


class LazyReport:
    """A report that is worked out when it is first read, and kept; what it is made of is then let go.

    Data that were changed in place in the meantime are seen by their versions, as torch's own gradients see them. A
    copy, a pickled one too, is of the report itself.
    """

    def __init__(self, inspection: Inspection):
        plain = [numbers(t).detach() for t in inspection.reads]
        reads = tuple(t.clone() if t.is_inference() else t for t in plain)  # those have no version
        self._versions = [None if t.is_inference() else t._version for t in reads]
        self._left: Inspection | None = replace(inspection, reads=reads)
        self._found: Report | None = None
        self._lock = Lock()

    def read(self) -> Report:
        """The report; RuntimeError where the data are not what they were."""
        with self._lock:
            if self._left is not None and self._fits(self._left):
                with numbers_only(), torch.inference_mode(False):
                    self._found = self._left.work(self._left.reads)
                self._left = None
        if self._found is None:
            raise RuntimeError(CHANGED)
        return self._found

    def _fits(self, left: Inspection) -> bool:
        then = zip(left.reads, self._versions, strict=True)
        return all(version is None or t._version == version for t, version in then)

    def __getstate__(self) -> dict[str, Any]:
        try:
            return {"_found": self.read()}
        except RuntimeError:
            return {"_found": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {"_versions": [], "_left": None, "_lock": Lock(), **state}
