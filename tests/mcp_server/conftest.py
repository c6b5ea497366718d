from tests.cli.conftest import user

__all__ = ["user"]
