from __future__ import annotations

from tests.cli.conftest import fake, user

__all__ = ["fake", "user"]
