"""The columns of the tables of :mod:`spatialdrama_render.cuda.pack`, as kernels name them."""

from __future__ import annotations

from spatialdrama_render import delay
from spatialdrama_render.cuda import pack
from spatialdrama_render.cuda.lang import constant

HOP = constant(pack.HOP)
HALF = constant(delay.HALF)
TERMS = constant(delay.TERMS)
COLUMNS = constant(pack.COLUMNS)
OUT = constant(pack.OUT)

ROWS = constant(len(pack.ROW))
R_COLUMNS = constant(pack.ROW.index("columns"))
R_WIDTH = constant(pack.ROW.index("width"))
R_ORIGIN = constant(pack.ROW.index("origin"))
R_FIRST_HOP = constant(pack.ROW.index("first_hop"))
R_HOPS = constant(pack.ROW.index("hops"))
R_BEGIN = constant(pack.ROW.index("begin"))
R_START = constant(pack.ROW.index("start"))
R_TRACK = constant(pack.ROW.index("track"))
R_TRACK_COUNT = constant(pack.ROW.index("track_count"))
R_AXIS = constant(pack.ROW.index("axis"))
R_AXIS_COUNT = constant(pack.ROW.index("axis_count"))
R_LISTENER = constant(pack.ROW.index("listener"))
R_LISTENER_COUNT = constant(pack.ROW.index("listener_count"))
R_IMAGES = constant(pack.ROW.index("images"))
R_TABLE = constant(pack.ROW.index("table"))
R_DISTANCES = constant(pack.ROW.index("distances"))
R_DISTANCE_COUNT = constant(pack.ROW.index("distance_count"))
R_CORNERS = constant(pack.ROW.index("corners"))
R_MIX = constant(pack.ROW.index("mix"))

ITEMS = constant(len(pack.ITEM))
I_ROW = constant(pack.ITEM.index("row"))
I_ROW_END = constant(pack.ITEM.index("row_end"))
I_OUT = constant(pack.ITEM.index("out"))
I_WIDTH = constant(pack.ITEM.index("width"))
I_LENGTH = constant(pack.ITEM.index("length"))
I_TAIL = constant(pack.ITEM.index("tail"))
I_SIZE = constant(pack.ITEM.index("size"))
I_STEP = constant(pack.ITEM.index("step"))
