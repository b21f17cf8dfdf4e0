"""What is there on this computer, and what of it a person may ask for."""
