"""``grokode validate``: the command of the validation."""

from __future__ import annotations

from grokode_validate.command import validate

command = validate
