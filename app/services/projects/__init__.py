"""Find, begin, resume and delete projects."""
