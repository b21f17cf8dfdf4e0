"""Find out the installed version, look for a newer one, install it and go back."""
