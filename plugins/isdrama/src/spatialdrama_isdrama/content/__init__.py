"""What is said: phones, meaning, durations, and z_c on the frames of a line (paper 4.2, C.1)."""
