"""The model card as a page for people: `card.html`, beside README.md, which is for hubs."""
