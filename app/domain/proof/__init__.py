"""What examples can prove, and in which order versions are tested."""
