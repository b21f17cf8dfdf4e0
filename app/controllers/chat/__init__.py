"""The page Chat: both versions answer one after the other, as the words come."""
