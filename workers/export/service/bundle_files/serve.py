"""Answer requests over HTTP: ``python serve.py``; Ctrl+C stops it after open requests have been answered.

By default only this computer may send requests. Options allow others: ``--host 0.0.0.0 --allow-host shop.example
--api-key-file key.txt``. ``--switch FOLDER`` gives a running service another bundle without losing a request.
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
