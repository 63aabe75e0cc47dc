"""Where and how things run: device, seeds, assets, cache, progress, folders.

What lives here: everything that touches the machine on behalf of the pipeline and of plugins.
What may not: types, signal processing, models. numpy and torch are imported inside functions,
where they are needed, so that the command line starts fast.
"""
