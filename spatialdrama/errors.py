"""Every error the package raises on purpose, in one tree, so that one ``except`` catches them.

Messages follow one pattern: what was wrong, the value seen, what to type next.
The command line prints the message on one line and leaves with status 2.
"""


class SpatialDramaError(Exception):
    """Base of everything raised on purpose."""


class ValidationError(SpatialDramaError, ValueError):
    """A value that a type, a file or an option may not have."""


class UnknownNameError(SpatialDramaError, LookupError):
    """A name that no plugin, script or scene knows; the message gives the nearest ones."""


class PluginError(SpatialDramaError):
    """A plugin that broke the rules of the registry."""


class PluginImportError(PluginError, ImportError):
    """A plugin's code that could not be imported; the message says what to install."""


class AssetError(SpatialDramaError, OSError):
    """A model or data file that is missing or damaged; the message names the command."""


class DeviceError(SpatialDramaError, RuntimeError):
    """A device that was asked for and is not there."""


class GenerationError(SpatialDramaError, RuntimeError):
    """A drama that could not be made although every input was valid."""


class SpatialDramaWarning(UserWarning):
    """Base of every warning of the package."""


class PluginLoadWarning(SpatialDramaWarning):
    """A plugin did not load; the others did."""
