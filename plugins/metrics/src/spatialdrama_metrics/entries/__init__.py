"""What this distribution offers, one module a topic: its metrics and the assets that they load.

Descriptions alone: nothing here may import numpy, a model or a metric.
"""
