"""The statistics of a corpus as tables that show themselves."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import attrs
import xarray as xr

from spatialdrama.types.reprs import wrap
from spatialdrama.types.validate import FrozenMapping

if TYPE_CHECKING:
    from spatialdrama.plot import Picture

#: dots per inch inside a notebook.
_DPI = 80


@attrs.frozen(eq=False, repr=False)
class Description:
    """What a corpus holds, made by :func:`spatialdrama_corpora.describe.describe`.

    Parameters
    ----------
    data : xarray.Dataset
        ``speaker_seconds``, ``speaker_items`` (speaker), the same by ``drama`` and ``split``,
        ``phone_count``, ``phone_seconds`` (phone), all with the largest first;
        ``plane_seconds`` (x, y): s in each cell of the plane through the listener's forward
        direction (x, m) and ears (y, m, positive left); ``speed_seconds`` (speed, m/s);
        ``duration_items`` (duration, s). Coordinates are the middles of the classes.
    facts : mapping
        Single numbers: items, hours, speakers, dramas, different lines, languages, durations,
        share of the time in which the speaker moves, distances, and how many poses could not be
        read.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> about = sd.corpora["mrsdrama"].open("MRSDrama").describe()      # doctest: +SKIP
    >>> about.data["phone_count"].sel(phone="uo")                        # doctest: +SKIP
    >>> about.picture(theme="dark").save("mrsdrama.png")                 # doctest: +SKIP
    """

    data: xr.Dataset
    facts: Mapping[str, Any] = attrs.field(converter=FrozenMapping)

    def picture(self, *, theme: str = "light") -> Picture:
        """Draw dramas, speakers, phones and places (Figure 3 of the paper), speeds and durations
        (Figure 5).

        Parameters
        ----------
        theme : "light" or "dark"
        """
        from .picture import picture

        return picture(self, theme=theme)

    def to_dict(self) -> dict[str, Any]:
        """Return facts and tables, ready for JSON."""
        tables: dict[str, Any] = {}
        for name in ("speaker", "drama", "split", "phone"):
            kinds = [str(k) for k in self.data.data_vars if str(k).startswith(f"{name}_")]
            tables[name] = {
                str(key): {
                    kind.removeprefix(f"{name}_"): self.data[kind].values[i].item()
                    for kind in kinds
                }
                for i, key in enumerate(self.data[name].values)
            }
        for name, kind in (("speed", "speed_seconds"), ("duration", "duration_items")):
            keys = [round(float(k), 6) for k in self.data[name].values]
            tables[kind] = {name: keys, "values": self.data[kind].values.tolist()}
        plane = self.data["plane_seconds"]
        tables["plane_seconds"] = {
            "x": plane["x"].values.round(6).tolist(),
            "y": plane["y"].values.round(6).tolist(),
            "values": plane.values.round(6).tolist(),
        }
        return {"facts": dict(self.facts), "tables": tables}

    def text(self) -> str:
        """Return the facts as lines of text."""
        return "\n".join(f"{name:<18} {value}" for name, value in self.sentences())

    def sentences(self) -> list[tuple[str, str]]:
        """Return (what, value in words) for what a table says first."""
        f = self.facts
        rows = [
            ("corpus", f"{f['corpus']}{f['licence'] and ' (' + f['licence'] + ')'}"),
            ("sound", f"{long_words(f['hours'])} in {f['items']} items"),
            ("speakers", str(f["speakers"])),
            ("dramas", str(f["dramas"])),
            ("different lines", str(f["lines"])),
            ("languages", ", ".join(f"{k} {v}" for k, v in f["languages"].items()) or "none told"),
            (
                "durations",
                f"mean {f['mean_duration_s']:.2f} s, median {f['median_duration_s']:.2f} s, "
                f"longest {f['longest_s']:.2f} s",
            ),
            (
                "phones",
                f"{int(self.data['phone_count'].sum())} of {self.data.sizes['phone']} kinds"
                if self.data.sizes["phone"]
                else "none told",
            ),
        ]
        if f["with_pose"]:
            rows += [
                ("poses", f"of {f['with_pose']} items"),
                (
                    "distances",
                    f"median {f['median_distance_m']:.2f} m, {f['nearest_m']:.2f} to "
                    f"{f['farthest_m']:.2f} m",
                ),
                (
                    "speeds",
                    f"{100 * f['moving_share']:.0f} % of the time moving, then median "
                    f"{f['median_speed_m_s']:.2f} m/s; fastest {f['fastest_m_s']:.2f} m/s",
                ),
            ]
        splits = [
            f"{name or 'none'} {long_words(float(s) / 3600)}"
            for name, s in zip(
                self.data["split"].values, self.data["split_seconds"].values, strict=True
            )
        ]
        rows.append(("splits", ", ".join(splits)))
        for what, key in (("poses left out", "unread_poses"), ("problems", "problems")):
            if f[key]:
                rows.append((what, f"{f[key]}; see .check() of the corpus"))
        return rows

    def __repr__(self) -> str:
        f = self.facts

        def count(n: int, word: str) -> str:
            return f"{n} {word}{'' if n == 1 else 's'}"

        return (
            f"Description({f['corpus']}: {count(f['items'], 'item')}, {long_words(f['hours'])}, "
            f"{count(f['speakers'], 'speaker')}, {count(f['dramas'], 'drama')})"
        )

    def _repr_html_(self) -> str:
        drawn = [self.picture(theme=name) for name in ("light", "dark")]
        light, dark = (
            base64.b64encode(figure.png(dpi=_DPI, colours=64)).decode() for figure in drawn
        )
        uri = "data:image/png;base64,"
        image = (
            f'<picture><source srcset="{uri}{dark}" media="(prefers-color-scheme: dark)">'
            f'<img src="{uri}{light}" alt="{escape(drawn[0].alt)}" style="max-width:100%">'
            "</picture>"
        )
        rows = "".join(
            f'<tr><td style="text-align:left;opacity:.7">{escape(name)}</td>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in self.sentences()
        )
        tables = f"<details><summary>Tables</summary>{self.data._repr_html_()}</details>"
        return wrap(f"<table>{rows}</table>{image}{tables}")


def long_words(hours: float) -> str:
    """Return a length of time in the unit that suits it."""
    if hours >= 1:
        return f"{hours:.2f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
