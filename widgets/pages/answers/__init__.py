"""The page's widgets: values in, signals out."""
