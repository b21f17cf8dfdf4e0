"""Controller of the page Chat, on which both versions reply one after the other, word by word."""
