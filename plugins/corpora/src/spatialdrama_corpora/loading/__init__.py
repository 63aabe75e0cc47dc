"""From a corpus to batches for training: cached features, buckets, crops, prompts, resumption."""
