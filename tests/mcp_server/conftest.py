from __future__ import annotations

from tests.cli.conftest import user

__all__ = ["user"]
