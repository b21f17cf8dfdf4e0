"""A model is asked while a technique works on it: sessions, examples, whether answers stay numbers, what is faster."""
