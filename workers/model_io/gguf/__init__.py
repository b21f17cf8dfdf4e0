"""Read GGUF files of llama.cpp and turn them into the content of a transformers folder.

A GGUF file has a header of texts and numbers, then weights in blocks of few bits. It is checked before anything large
is allocated. transformers (`integrations.gguf`) unpacks the blocks and makes the tokenizer; the package `gguf` is not
needed.
"""
