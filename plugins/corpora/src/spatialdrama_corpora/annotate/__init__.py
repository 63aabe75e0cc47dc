"""Steps that turn a recording into items: level, noise, turns, phones, times, poses, prompts.

Each is a function that can be used alone; none treats the two ears differently.
"""
