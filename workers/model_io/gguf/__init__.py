"""GGUF files of llama.cpp: a header of texts and numbers, then weights in blocks of few bits. Read here, checked before
anything large is allocated, and turned into what a transformers folder holds.

transformers (`integrations.gguf`) takes the blocks apart and makes the tokenizer; the package `gguf` is not needed.
"""
