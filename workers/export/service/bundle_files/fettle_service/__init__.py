"""Answer requests over HTTP by the Open Inference Protocol, version 2, with this bundle's model."""
