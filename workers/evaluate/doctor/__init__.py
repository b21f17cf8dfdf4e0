"""Find out which preprocessing fits a model, by running it on some examples."""
