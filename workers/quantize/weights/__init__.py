"""Store and round the weights of language models in fewer bits."""
