"""``python -m service`` is ``mingbai``."""

from service.cli import app

app()
