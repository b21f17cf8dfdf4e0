"""Run a model while a technique changes it: sessions, examples, finite predictions, quick timing."""
