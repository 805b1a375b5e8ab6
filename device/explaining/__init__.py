"""Which pixels of an image speak for a class: one method a file, and what measures how far it is right."""
