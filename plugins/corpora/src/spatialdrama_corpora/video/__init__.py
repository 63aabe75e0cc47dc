"""Silent video of a speaker: a camera, a head with a moving mouth, and H.264 in and out."""
