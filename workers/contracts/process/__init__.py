"""What both sides of the wall say to each other about a process and its job."""
