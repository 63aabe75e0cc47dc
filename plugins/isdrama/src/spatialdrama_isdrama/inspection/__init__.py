"""Looking into a model that speaks: routing, attention, gates, pitch and the way from noise.

One line of a drama (:mod:`.drama`), numbers (:mod:`.routing`, :mod:`.path`) and pictures of them
(:mod:`.pictures`) for notebooks.
Nothing in here changes what a model says.
"""
