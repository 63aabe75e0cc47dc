"""Public-domain drama to speak, English and Mandarin, cleaned, and who is cast for it."""
