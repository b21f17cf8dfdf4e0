"""What a model's file does not say about its preparation and its results, guessed and told as guessed."""
