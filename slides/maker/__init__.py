"""Plain-text decks to self-contained pages and PDF: `deck` reads, `figures` draws, `page` writes, `pdf` prints."""
