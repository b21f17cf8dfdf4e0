"""Answer requests over HTTP: ``python serve.py``; stop with Ctrl+C, after what was begun has been answered.

Only this computer may ask, until it is told more: ``--host 0.0.0.0 --allow-host shop.example --api-key-file key.txt``.
``--switch FOLDER`` gives a running service another bundle, without losing a request.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from fettle_service.server import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
