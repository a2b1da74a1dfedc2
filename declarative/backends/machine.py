"""Machine code that is kept on disk, and a word to the user before some has to be made, which takes many seconds."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from numba.core.caching import FunctionCache


class Kept(FunctionCache):
    """What is kept on disk of one function; what cannot be read, because it is damaged, is compiled again.

    `purpose` says what its methods are for, and stands where they take more than a moment to compile.
    """

    def __init__(self, function: Callable, purpose: str = "") -> None:
        super().__init__(function)
        self.purpose = purpose

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for arguments of these types; None where there is none, which is then told."""
        try:
            found = super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling makes of a damaged file
            self.flush()
            found = None
        if found is None and self.purpose:
            tell(self.purpose)
        return found


@cache
def tell(purpose: str) -> None:
    """Once a process for each purpose, where all see it: why a first call takes many seconds."""
    logging.getLogger(__name__).warning(
        "compiling the methods for %s for their first use on this machine; "
        "this takes some 15 seconds, then they are kept on disk",
        purpose,
    )
