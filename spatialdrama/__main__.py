"""``python -m spatialdrama`` is the command ``spatialdrama``."""

import sys

from spatialdrama.cli import main

sys.exit(main())
