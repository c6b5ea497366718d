from __future__ import annotations

from tests.daemon.daemon_fixture import fake

__all__ = ["fake"]
