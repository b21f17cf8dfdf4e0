"""Log the requests of a running bundle and detect changes; uses only numpy and is copied into bundles.

Logging is off by default, and inputs themselves are never logged. The log holds only the bin of the evaluation data
(one twentieth each) into which simple figures of an input fall (brightness, length, confidence), the predicted class,
the latency and failures.
"""
