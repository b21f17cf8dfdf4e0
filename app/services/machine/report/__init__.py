"""Write a problem report that a person can read, without anything private."""
