"""Search, inspect, download and upload models on the Hugging Face Hub or a compatible server."""
