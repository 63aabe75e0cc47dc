"""Each hook is called and delivers its spec; hooks are documented with their exact signature."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import attrs
import pytest

from spatialdrama.registry import KINDS, hookspecs

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "spatialdrama_spec")]

#: hook -> what a plugin writes in it, and the kind and name under which it must then be found
CALLS = {
    "register_encoders": ("EncoderSpec('e', 'a.b:C', prompt='text')", "encoder", "e"),
    "register_generators": ("GeneratorSpec('g', 'a.b:C', max_speakers=4)", "generator", "g"),
    "register_metrics": ("MetricSpec('m', 'a.b:C', needs='pose')", "metric", "m"),
    "register_voices": ("VoiceSpec('v', 'a.b:C', languages=('en',), rate=24000)", "voice", "v"),
    "register_renderers": ("RendererSpec('r', 'a.b:C', device='any')", "renderer", "r"),
    "register_corpora": ("CorpusSpec('c', 'a.b:C', licence='CC0-1.0')", "corpus", "c"),
    "register_assets": (
        "AssetSpec('f', version='1', sha256='0' * 64, size=1, licence='CC0-1.0', filename='f.bin',"
        " sources=AssetSource.url('https://example.org/f.bin'))",
        "asset",
        "f",
    ),
}


def test_every_hook_has_a_test():
    assert sorted(CALLS) == sorted(HOOKS), "Give each hook an entry in CALLS."
    assert sorted(kind.hook for kind in KINDS.values()) == sorted(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_plugin_that_implements_the_hook_is_listed(installation, hook):
    spec, kind, name = CALLS[hook]
    installation.add(
        "one",
        f"from spatialdrama.registry import *\n@hookimpl\ndef {hook}(register):\n"
        f"    register({spec})\n",
    )
    rows, hooks = installation.result(
        f"from spatialdrama.registry import listings, plugins\n"
        f"result = listings[{kind!r}].rows(), plugins['one'].hooks"
    )
    assert [row["full_name"] for row in rows] == [f"one/{name}"]
    assert hooks == [hook]


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented(hook):
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"## `{hook}({arguments})`" in PAGE.read_text(), f"Document {hook} in {PAGE.name}."


@pytest.mark.parametrize("kind", KINDS)
def test_spec_fields_are_documented(kind):
    """Each field stands in the section of its hook, or in the section on common fields."""
    text = PAGE.read_text()
    common = re.search(r"## Fields of every spec\n(.*?)\n## ", text, re.S).group(1)
    section = re.search(rf"## `{KINDS[kind].hook}\(.*?\n(.*?)(\n## |\Z)", text, re.S).group(1)
    for field in attrs.fields(KINDS[kind].spec):
        row = f"| `{field.name}` |"
        assert row in section or (kind != "asset" and row in common), (
            f"Document {KINDS[kind].spec.__name__}.{field.name} in {PAGE.name}."
        )


def test_environment_variables_are_documented():
    sources = Path(__file__).parents[2] / "spatialdrama"
    used = set()
    for path in [*sources.glob("registry/*.py"), *sources.glob("runtime/*.py")]:
        used |= set(re.findall(r"\"(SPATIALDRAMA_[A-Z_]+)\"", path.read_text()))
    assert used
    for name in used:
        assert f"`{name}`" in PAGE.read_text(), f"Document {name} in {PAGE.name}."
