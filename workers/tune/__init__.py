"""Plan the recipes for a model on this computer, and find where its time goes."""
