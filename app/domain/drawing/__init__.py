"""Write the picture of two compared models as SVG and as one self-contained page."""
