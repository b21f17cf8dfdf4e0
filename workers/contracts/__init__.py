"""Contracts between application and workers: messages, parameters, results and plug-in specifications."""
