"""The simulated drama corpus: planned from a seed, made item by item, resumed where it stopped.

`config` says what is wanted, `plan` what will be made (`stage`, `paths`, `rooms`, `heads` and
`cameras` draw the places), `make` makes one segment (`speak`), `store` keeps it, `build` runs many.
"""

from spatialdrama_corpora.simulate.build import Built, build, check_folder
from spatialdrama_corpora.simulate.config import SimulationConfig
from spatialdrama_corpora.simulate.forecast import forecast
from spatialdrama_corpora.simulate.make import make
from spatialdrama_corpora.simulate.plan import SegmentPlan, plan

__all__ = [
    "Built",
    "SegmentPlan",
    "SimulationConfig",
    "build",
    "check_folder",
    "forecast",
    "make",
    "plan",
]
