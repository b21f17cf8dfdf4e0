"""The model card as an HTML page for people: `card.html`; README.md is for hubs."""
