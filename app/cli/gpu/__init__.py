"""Print facts about NVIDIA GPUs."""
