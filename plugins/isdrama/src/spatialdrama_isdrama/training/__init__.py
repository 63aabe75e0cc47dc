"""From recordings to what the parts are trained on, and steps that train several parts at once.

Each part's own step is in its room; here are the examples they share, their batches, and the joint
training of content, pose and transformer. Nothing in here knows of files or progress bars.
"""
