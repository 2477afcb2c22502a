"""``grokode derive``: the command of the derivations, which import nothing of grokode."""

from __future__ import annotations

import functools
from typing import Any

from grokode_derivations.command import derive
from grokode_derivations.output import BadInput

from ..errors import InvalidInput


@functools.wraps(derive)
def command(**options: Any) -> int:
    """Run it, its bad input one of ours."""
    try:
        code: int = derive(**options)
    except BadInput as error:
        raise InvalidInput(str(error)) from None
    return code
