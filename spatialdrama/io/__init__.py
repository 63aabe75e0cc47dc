"""The doors: files in, files out, one module a format.

Here lives everything that reads or writes bytes for the types: sound, poses, scenes, scripts,
dramas, scores, SOFA. Every writer is atomic (a temporary file, then a rename), so that an
interrupted run leaves no half-written file. Nothing here computes sound or knows of plugins.
"""
