"""What importing and listing may cost, told by sys.modules and not by a clock."""

import subprocess
import sys

import pytest

HEAVY = (
    "attrs", "pluggy", "numpy", "scipy", "pandas", "xarray", "torch", "matplotlib", "soundfile",
    "soxr", "ipywidgets", "IPython", "onnxruntime", "netCDF4",
)  # fmt: skip


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`, beyond its own."""
    script = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_importing_the_package_loads_the_standard_library_only():
    strangers = loaded_after("import spatialdrama") - set(sys.stdlib_module_names)
    assert strangers == {"spatialdrama"}, (
        f"`import spatialdrama` loads {strangers}; import them inside the function that needs them."
    )


@pytest.mark.parametrize("kind", ["metrics", "voices", "renderers", "generators", "plugins"])
def test_listing_loads_no_numpy_xarray_or_torch(kind):
    loaded = loaded_after(f"import spatialdrama as sd; repr(sd.{kind})")
    assert not loaded & {"numpy", "scipy", "xarray", "torch", "matplotlib", "onnxruntime"}


def test_the_command_line_explains_itself_without_numpy():
    code = (
        "from spatialdrama.cli import main\n"
        "import contextlib\n"
        "with contextlib.suppress(SystemExit): main(['generate', '--help'])"
    )
    assert not loaded_after(code) & {"numpy", "scipy", "xarray", "torch", "matplotlib"}


def test_every_public_name_is_there():
    import spatialdrama as sd

    for name in dir(sd):
        assert getattr(sd, name) is not None, name


def test_the_stub_names_what_the_facade_has():
    import ast
    from pathlib import Path

    import spatialdrama as sd

    tree = ast.parse((Path(sd.__file__).parent / "__init__.pyi").read_text())
    stub = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert stub | {"__version__"} == set(sd.__all__)
