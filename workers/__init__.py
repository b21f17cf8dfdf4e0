"""Worker processes of Fettle: model loading, conversion, measurement, evaluation and export."""
