"""Functions that compiled ones alone call: no code of their own, optimised as part of each caller that has some.

The compiler's own way is to optimise a function with all that it calls, and both again within its caller, at every
level of calls, and to make code of each that nothing runs.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder


class Part(JITCodeLibrary):
    """A function as it was written, with those that it calls."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """None: it has no code of its own."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """Where the code is, to be told of an environment."""
        return Nowhere()


class Nowhere:
    """What has no code needs no environment."""

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing."""


class PartCompiler(CompilerBase):
    """The usual passes, for a `Part`."""

    def define_pipelines(self) -> list[Any]:
        """The one pipeline."""
        state: Any = self.state
        state.library = Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return [DefaultPassBuilder.define_nopython_pipeline(state)]
