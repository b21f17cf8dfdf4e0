"""Open models that exist only for one runtime: they are evaluated unchanged and not optimized."""
