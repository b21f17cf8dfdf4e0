"""Load models in their runtimes and run predictions; bundles contain a copy of this package."""
