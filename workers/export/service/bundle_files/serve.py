"""Answer requests over HTTP: ``python serve.py``; stop with Ctrl+C, after what was begun has been answered.

Only this computer may ask, until it is told more: ``--host 0.0.0.0 --allow-host shop.example --api-key-file key.txt``.
``--switch FOLDER`` gives a running service another bundle, without losing a request.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from fettle_service.server import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
