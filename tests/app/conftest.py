from tests.daemon.conftest import daemon_fixture

__all__ = ["daemon_fixture"]
