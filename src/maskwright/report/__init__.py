"""What a person looks at: overlays, the overlay sheet, MODEL_CARD.md and report.html."""
