"""A whole drama from a script: lines, prompts, guidance, solving, mixing (paper 4.4, C.3)."""
