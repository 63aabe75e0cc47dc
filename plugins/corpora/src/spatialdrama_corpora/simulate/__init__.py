"""The simulated drama corpus: planned from a seed, made item by item, resumed where it stopped."""
