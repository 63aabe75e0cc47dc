"""What every generator does around its model: cast, stems, timetable, mix, and what is kept.

Here live the level and trimming of a dry line, when each line of a script starts, the sum of
placed lines in blocks, finished lines kept between runs, and how long and large a drama will be.
No voice, no renderer, no model; a generator of another distribution finds here what `cascade`
uses, because no plugin imports another.
"""
