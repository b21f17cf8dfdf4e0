"""The model card as an HTML page for people: `card.html`, beside README.md, which is for hubs."""
